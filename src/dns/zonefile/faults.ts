// The faults of zone files: each code once, with its severity and meaning. Diagnostics are made here alone, so that
// every one has a code from this table; what is said about a place (value, bound) is said where it is found.
import type { Diagnostic, Severity } from '../../kit/diag.ts';

/** key -> code, severity, what it means. 00x lexing and owners, 01x records, 02x directives and TTLs, 03x and 04x meaning. */
export const FAULTS = {
  quote: ['GTM-Z001', 'error', 'a quoted string is not closed on its line'],
  open: ['GTM-Z002', 'error', 'a parenthesis is not closed'],
  close: ['GTM-Z003', 'error', 'a parenthesis closes nothing'],
  name: ['GTM-Z004', 'error', 'not a domain name'],
  noOwner: ['GTM-Z005', 'error', 'the first record has no owner to inherit'],
  ttl: ['GTM-Z006', 'error', 'not a TTL, or over 2147483647 seconds (RFC 2181 §8)'],
  class: ['GTM-Z007', 'error', 'a class other than IN'],
  noType: ['GTM-Z008', 'error', 'a line without a record type'],
  type: ['GTM-Z009', 'error', 'not a record type'],
  metaType: ['GTM-Z010', 'error', 'a type that is never data (RFC 6895 §3.1)'],
  missing: ['GTM-Z011', 'error', 'a field of the record is missing'],
  address: ['GTM-Z012', 'error', 'not an address'],
  number: ['GTM-Z013', 'error', 'not a number, or out of bounds'],
  string: ['GTM-Z014', 'error', 'a string over 255 octets, empty where it may not be, or with a bad escape'],
  data: ['GTM-Z015', 'error', 'not hexadecimal or base64'],
  generic: ['GTM-Z016', 'error', 'not the generic form \\# LENGTH HEX (RFC 3597 §5), or no data of its type'],
  extra: ['GTM-Z017', 'error', 'more on the line than the record or directive takes'],
  long: ['GTM-Z018', 'error', 'record data over 65535 octets'],
  quoted: ['GTM-Z019', 'error', 'a quoted string where none may stand'],
  service: [
    'GTM-Z01A',
    'error',
    'a service parameter that is none, stands twice, or has a wrong value (RFC 9460 §2.1)',
  ],
  date: ['GTM-Z01B', 'error', 'not a time: YYYYMMDDHHMMSS, or seconds (RFC 4034 §3.2)'],
  place: ['GTM-Z01C', 'error', 'not a place on earth (RFC 1876 §3)'],
  prefix: ['GTM-Z01D', 'error', 'not an address prefix FAMILY:ADDRESS/LENGTH (RFC 3123 §5)'],
  form: ['GTM-Z01E', 'error', 'an identifier of another form than its type has'],
  directive: ['GTM-Z020', 'error', 'an unknown directive'],
  generate: ['GTM-Z021', 'error', '$GENERATE with a range or a template that is none'],
  argument: ['GTM-Z022', 'error', 'a directive without its argument'],
  include: ['GTM-Z023', 'error', 'a file that cannot be included'],
  loop: ['GTM-Z024', 'error', 'a file that includes itself, or files included too deep or too often'],
  noTtl: ['GTM-Z025', 'error', 'a record without a TTL, and none to take'],
  oldTtl: ['GTM-Z026', 'warning', 'TTLs without $TTL: taken from the last record or the SOA (RFC 2308 §4)'],
  generated: ['GTM-Z027', 'error', '$GENERATE makes too many records'],
  unlisted: ['GTM-Z028', 'warning', 'more warnings than are listed'],
  many: ['GTM-Z029', 'error', 'more errors than are listed: the rest of the file is not read'],
  noSoa: ['GTM-Z030', 'error', 'the zone has no SOA'],
  soas: ['GTM-Z031', 'error', 'the zone has more than one SOA'],
  soaPlace: ['GTM-Z032', 'error', 'the SOA is not at the apex'],
  noNs: ['GTM-Z033', 'error', 'the apex has no NS'],
  outside: ['GTM-Z034', 'error', 'an owner outside the zone'],
  cname: ['GTM-Z035', 'error', 'a CNAME beside other data (RFC 2181 §10.1)'],
  dnames: ['GTM-Z036', 'error', 'a second DNAME at one name (RFC 6672 §2.4)'],
  belowDname: ['GTM-Z037', 'error', 'data below a DNAME (RFC 6672 §2.4)'],
  pool: ['GTM-Z038', 'error', 'a POOL beside A, AAAA, CNAME or another POOL'],
  noPool: ['GTM-Z039', 'error', 'a pool that the cluster file does not have'],
  poolAtCut: ['GTM-Z040', 'error', 'a POOL at a delegation'],
  ttls: ['GTM-Z041', 'warning', 'records of one set with differing TTLs (RFC 2181 §5.2)'],
  duplicate: ['GTM-Z042', 'warning', 'a record that stands twice'],
  targetCname: ['GTM-Z043', 'warning', 'an NS, MX or SRV that points to a CNAME (RFC 2181 §10.3)'],
  noGlue: ['GTM-Z044', 'error', 'a name server in the zone without an address'],
  noAddress: ['GTM-Z045', 'warning', 'a target in the zone without an address'],
  occluded: ['GTM-Z046', 'warning', 'data at or below a delegation that is neither NS, DS nor glue'],
  wildcardNs: ['GTM-Z047', 'warning', 'an NS at a wildcard (RFC 4592 §4.2)'],
  strayDs: ['GTM-Z048', 'warning', 'a DS where there is no delegation'],
  digest: ['GTM-Z049', 'warning', 'a digest or fingerprint of another length than its kind has'],
  useless: ['GTM-Z04A', 'warning', 'a record that clients have to ignore'],
  hostname: ['GTM-Z04B', 'warning', 'a host whose name is no host name (RFC 1123 §2.1)'],
  dnameAtCut: ['GTM-Z04C', 'error', 'a DNAME at a delegation (RFC 6672 §2.3)'],
} as const satisfies Record<string, readonly [code: string, severity: Severity, means: string]>;

export type Fault = keyof typeof FAULTS;

/** Where in a file; as in Diagnostic. */
export interface Place {
  file: string;
  line: number;
  col: number;
  endCol?: number;
}

/**
 * Faults in the order found, up to a bound: a file that is no zone file must not fill the memory with what is wrong. Too
 * many errors end the reading; warnings beyond the bound are only counted, since warnings alone are no reason to refuse.
 */
export class Report {
  /** So many errors that what follows is not looked at. */
  full = false;
  readonly #most: number;
  readonly #listed: Diagnostic[] = [];
  #errors = 0;
  #unlisted = 0;
  #firstUnlisted: Place | undefined;

  /** `most`: errors listed, and faults in all before warnings are only counted. */
  constructor(most = 1000) {
    this.#most = most;
  }

  add(fault: Fault, place: Place, message: string, help?: string): void {
    if (this.full) return;
    const [code, severity] = FAULTS[fault];
    if (severity !== 'error' && this.#listed.length >= this.#most) {
      this.#unlisted++;
      this.#firstUnlisted ??= place;
      return;
    }
    const d: Diagnostic = { ...place, severity, code, message };
    if (help !== undefined) d.help = help;
    this.#listed.push(d);
    if (severity !== 'error' || fault === 'many' || ++this.#errors < this.#most) return;
    this.add('many', place, `stopped after ${this.#most} errors`);
    this.full = true;
  }

  /** All that is listed, and how much is not. Nothing is added after this. */
  end(): Diagnostic[] {
    const first = this.#firstUnlisted;
    if (first !== undefined) {
      const [code, severity] = FAULTS.unlisted;
      const n = this.#unlisted;
      const message = `${n} more ${n === 1 ? 'warning is' : 'warnings are'} not listed; the first is here`;
      this.#listed.push({ ...first, severity, code, message });
    }
    return this.#listed;
  }
}

/** A value as messages show it: «www», control characters escaped, cut after 60 characters. */
export function show(value: string): string {
  const clean = value.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, c => `\\u{${c.codePointAt(0)?.toString(16)}}`);
  return clean.length > 60 ? `«${clean.slice(0, 60)}…»` : `«${clean}»`;
}
