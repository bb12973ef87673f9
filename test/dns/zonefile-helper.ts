// Zone text in, lines out: records as `owner ttl IN TYPE rdata`, faults as `file:line:col CODE`.
import { parseName } from '../../src/dns/name.ts';
import { printRecord } from '../../src/dns/rdata-text.ts';
import type { RecordList } from '../../src/dns/records.ts';
import { type CheckOptions, checkZone } from '../../src/dns/zonefile/check.ts';
import { type ParseOptions, parseZone } from '../../src/dns/zonefile/parse.ts';
import type { Diagnostic } from '../../src/kit/diag.ts';

/** Wire bytes of an absolute name. */
export function wire(text: string): Uint8Array {
  const name = parseName(text);
  if (typeof name === 'string') throw new Error(`${text}: ${name}`);
  return name;
}

export const ORIGIN = wire('example.com.');

/** The records of a list as lines. */
export function lines(records: RecordList): string[] {
  return Array.from({ length: records.count }, (_, i) =>
    printRecord(records.ownerBytes(i), records.ttl[i], records.type[i], records.rdataBytes(i)),
  );
}

/** Parses text as the zone example.com, file `z`, unless told otherwise. */
export function parse(text: string | Uint8Array, options: Partial<ParseOptions> = {}) {
  return parseZone(text, { origin: ORIGIN, file: 'z', ...options });
}

/** `z:3:7 GTM-Z012` of each diagnostic. */
export function places(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(d => `${d.file}:${d.line}:${d.col} ${d.code}`);
}

/** The faults of meaning of a well-formed text, as `line CODE`. */
export function meaning(text: string, options: CheckOptions = {}): string[] {
  const { records, diagnostics } = parse(text);
  if (diagnostics.length > 0) throw new Error(diagnostics[0].message);
  return checkZone(records, ORIGIN, options).map(d => `${d.line} ${d.code}`);
}
