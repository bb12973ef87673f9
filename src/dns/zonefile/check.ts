// What a zone may not say, though each of its lines is well-formed:
//   RecordList ─→ names.ts (each name, its records, flags) ─→ apex · each name · each set of records · each target
// The rules are those of RFC 1034, 2181, 4592 and 6672 that named-checkzone and nsd-checkzone keep, and those of POOL.
import type { Diagnostic } from '../../kit/diag.ts';
import { nearest } from '../../kit/suggest.ts';
import { formatName, isUnder, nameLength } from '../name.ts';
import { additionalOffset, compareRdata, poolOf } from '../rdata.ts';
import type { RecordList } from '../records.ts';
import { type RRType, TYPE, typeOf, typeText } from '../rr.ts';
import { adviceOn } from './advice.ts';
import { type Fault, Report, show } from './faults.ts';
import { HAS, NameIndex } from './names.ts';

export interface CheckOptions {
  /** The pools of the cluster; undefined: not known, so none is a fault. */
  pools?: ReadonlySet<string> | undefined;
  /** Lines of the zone are missing because they had faults: what only seems to be missing is not reported. */
  partial?: boolean;
  /** Errors listed before the check gives up, and warnings at most; default 1000. */
  maxFaults?: number;
}

/** The faults of meaning of the zone `origin` (wire). Needs a list as parseZone gives it: well-formed rdata. */
export function checkZone(records: RecordList, origin: Uint8Array, options: CheckOptions = {}): Diagnostic[] {
  const check = new Check(records, origin, options);
  check.apex();
  check.names();
  check.targets();
  check.contents();
  return check.report.end();
}

// RRSIG, NSEC and KEY may stand beside a CNAME (RFC 4035 §2.5, RFC 3007), the first two at a cut as well.
const BESIDE_CNAME = new Set<number>([TYPE.KEY, TYPE.RRSIG, TYPE.NSEC]);
const AT_CUT = new Set<number>([TYPE.NS, TYPE.DS, TYPE.RRSIG, TYPE.NSEC]);

class Check {
  readonly report: Report;
  readonly #records: RecordList;
  readonly #origin: Uint8Array;
  readonly #options: CheckOptions;
  readonly #index: NameIndex;
  readonly #apex: number;
  // By name id: the cut (or DNAME) at or above it, nearest the apex; -1: none. See #locate.
  readonly #cut: Int32Array;
  readonly #dname: Int32Array;

  constructor(records: RecordList, origin: Uint8Array, options: CheckOptions) {
    this.report = new Report(options.maxFaults);
    this.#records = records;
    this.#origin = origin;
    this.#options = options;
    this.#index = new NameIndex(records, origin);
    this.#apex = this.#index.find(origin);
    this.#cut = new Int32Array(this.#index.count).fill(-1);
    this.#dname = new Int32Array(this.#index.count).fill(-1);
    this.#locate();
  }

  apex(): void {
    const { flags } = this.#index;
    const at = this.#apex < 0 ? 0 : flags[this.#apex];
    if (this.#options.partial) return;
    const zone = formatName(this.#origin);
    const file = { file: this.#records.files[0] ?? '', line: 0, col: 0 };
    if ((at & HAS.SOA) === 0) this.report.add('noSoa', file, `${zone} has no SOA at its apex`);
    if ((at & HAS.NS) === 0) this.report.add('noNs', file, `${zone} has no NS at its apex`);
  }

  names(): void {
    const { count, first, next, flags } = this.#index;
    const here: number[] = [];
    for (let id = 0; id < count && !this.report.full; id++) {
      if ((flags[id] & HAS.OUTSIDE) !== 0) {
        this.#fail('outside', first[id], `${this.#name(id)} is not in the zone ${formatName(this.#origin)}`);
        continue;
      }
      here.length = 0;
      for (let i = first[id]; i >= 0; i = next[i]) here.push(i);
      this.#place(id, here);
      this.#company(id, here);
      if (here.length > 1) this.#sets(id, here);
    }
  }

  // What may stand where the name is: apex, cut, below a cut, below a DNAME, wildcard.
  #place(id: number, here: readonly number[]): void {
    const { type } = this.#records;
    const flags = this.#index.flags[id];
    const cut = this.#cut[id];
    const dname = this.#dname[id];
    if (dname >= 0 && dname !== id)
      this.#fail('belowDname', here[0], `${this.#name(id)} stands below the DNAME at ${this.#name(dname)}`);
    for (const i of here) {
      if (type[i] === TYPE.SOA && id !== this.#apex)
        this.#fail('soaPlace', i, `the SOA stands at ${this.#name(id)}, not at ${formatName(this.#origin)}`);
      if (type[i] === TYPE.DS && cut !== id && !this.#options.partial)
        this.#fail('strayDs', i, `${this.#name(id)} has a DS, and is not delegated here`);
      if (cut < 0) continue;
      const glue = (type[i] === TYPE.A || type[i] === TYPE.AAAA) && (flags & HAS.NS_TARGET) !== 0;
      if (type[i] === TYPE.POOL && cut === id)
        this.#fail('poolAtCut', i, `${this.#name(id)} is delegated: a POOL there would never answer`);
      else if (type[i] === TYPE.DNAME && cut === id)
        this.#fail('dnameAtCut', i, `${this.#name(id)} has a DNAME and is delegated: below it one must do`);
      else if (!glue && !(cut === id && AT_CUT.has(type[i])))
        this.#fail(
          'occluded',
          i,
          `${typeText(type[i])} at ${this.#name(id)} never answers: ${this.#name(cut)} is delegated`,
        );
    }
    if ((flags & HAS.NS) !== 0 && this.#isWildcard(id))
      this.#fail('wildcardNs', this.#firstOf(here, TYPE.NS), `NS at the wildcard ${this.#name(id)}`);
  }

  // What may stand beside what.
  #company(id: number, here: readonly number[]): void {
    const { type } = this.#records;
    const flags = this.#index.flags[id];
    if ((flags & HAS.POOL) !== 0) this.#pool(id, here);
    if (here.length < 2) return;
    if ((flags & HAS.CNAME) !== 0 && (flags & HAS.POOL) === 0) {
      const first = this.#firstOf(here, TYPE.CNAME);
      const other = here.find(i => type[i] !== TYPE.CNAME && !BESIDE_CNAME.has(type[i]));
      const second = here.find(i => type[i] === TYPE.CNAME && i !== first && !this.#same(i, first));
      // At whichever comes later: the one above it was fine until then.
      if (other !== undefined)
        this.#fail(
          'cname',
          Math.max(first, other),
          `${this.#name(id)} has a CNAME and ${typeText(type[other])}: a CNAME stands alone`,
        );
      if (second !== undefined) this.#fail('cname', second, `${this.#name(id)} has a second CNAME`);
    }
    for (const [kind, fault] of [
      [TYPE.DNAME, 'dnames'],
      [TYPE.SOA, 'soas'],
    ] as const) {
      if ((flags & (kind === TYPE.SOA ? HAS.SOA : HAS.DNAME)) === 0) continue;
      const first = this.#firstOf(here, kind);
      const second = here.find(i => type[i] === kind && i !== first && !this.#same(i, first));
      if (second !== undefined) this.#fail(fault, second, `${this.#name(id)} has a second ${typeText(kind)}`);
    }
  }

  #pool(id: number, here: readonly number[]): void {
    const { type } = this.#records;
    let first = -1;
    for (const i of here) {
      if (type[i] === TYPE.A || type[i] === TYPE.AAAA || type[i] === TYPE.CNAME)
        this.#fail(
          'pool',
          i,
          `${this.#name(id)} has a POOL and ${typeText(type[i])}: the pool answers there`,
        );
      if (type[i] !== TYPE.POOL) continue;
      const pool = poolOf(this.#records.rdataBytes(i));
      if (first >= 0 && !this.#same(first, i)) this.#fail('pool', i, `${this.#name(id)} has a second POOL`);
      else first = i;
      const { pools } = this.#options;
      if (pools === undefined || pools.has(pool)) continue;
      const near = nearest(pool, pools);
      this.#fail(
        'noPool',
        i,
        `there is no pool ${show(pool)}`,
        near === undefined ? undefined : `did you mean ${near}?`,
      );
    }
  }

  // Records of one type side by side: a set has one TTL, and each record stands once. Sorts `here`.
  #sets(id: number, here: number[]): void {
    const { type, ttl } = this.#records;
    here.sort((a, b) => type[a] - type[b] || a - b);
    for (let from = 0; from < here.length; ) {
      let to = from + 1;
      while (to < here.length && type[here[to]] === type[here[from]]) to++;
      const set = to - from > 1 ? here.slice(from, to) : [];
      from = to;
      const other = set.find(i => ttl[i] !== ttl[set[0]]);
      if (other !== undefined) {
        const least = set.reduce((low, i) => Math.min(low, ttl[i]), ttl[other]);
        const what = `the ${typeText(type[other])} records of ${this.#name(id)}`;
        this.#fail(
          'ttls',
          other,
          `${what} have TTLs ${ttl[set[0]]} and ${ttl[other]}: ${least}, the lowest, is taken`,
        );
      }
      set.sort((a, b) => this.#compare(a, b) || a - b);
      for (let i = 1; i < set.length; i++)
        if (this.#same(set[i - 1], set[i]))
          this.#fail(
            'duplicate',
            set[i],
            `${this.#name(id)} has this ${typeText(type[set[i]])} twice: one is dropped`,
          );
    }
  }

  /** What single records say. */
  contents(): void {
    for (let i = 0; i < this.#records.count && !this.report.full; i++) {
      const advice = adviceOn(this.#records, i);
      if (advice !== undefined) this.#fail(advice.fault, i, advice.message);
    }
  }

  /** Where NS, MX, SRV and their like point to. */
  targets(): void {
    const { type, bytes, rdata, rdlength, count } = this.#records;
    const { flags, of } = this.#index;
    for (let i = 0; i < count && !this.report.full; i++) {
      const row = typeOf(type[i]);
      const at = row === undefined ? -1 : additionalOffset(row, bytes, rdata[i], rdlength[i]);
      const cut = this.#cut[of[i]];
      // What is outside the zone or below a cut has been reported, and is not served.
      if (row === undefined || at < 0 || bytes[at] === 0 || !isUnder(bytes, this.#origin, at)) continue;
      if ((flags[of[i]] & HAS.OUTSIDE) !== 0 || (cut >= 0 && cut !== of[i])) continue;
      // An alias (priority 0) may lead to a service; a CNAME may stand at the target of either (RFC 9460 §2.4.2, §3).
      const service = type[i] === TYPE.SVCB || type[i] === TYPE.HTTPS;
      if (service && bytes[rdata[i]] + bytes[rdata[i] + 1] === 0) continue;
      const target = this.#index.find(bytes, at);
      if (target >= 0 && (flags[target] & HAS.CNAME) !== 0) {
        if (service) continue;
        this.#fail('targetCname', i, `${row.mnemonic} points to ${formatName(bytes, at)}, which is a CNAME`);
      } else if (!this.#options.partial && !this.#hasAddress(target, at)) {
        this.#noAddress(i, row, at);
      }
    }
  }

  // A server below the cut that it serves, or one that serves this zone from within, cannot be reached without its
  // address (RFC 9471). What else is delegated has its address elsewhere.
  #noAddress(i: number, row: RRType, target: number): void {
    const { bytes } = this.#records;
    const owner = this.#index.of[i];
    const targetCut = this.#cutAbove(bytes, target);
    const text = `${row.mnemonic} points to ${formatName(bytes, target)}, which has no address`;
    const needed = owner === this.#apex ? targetCut < 0 : targetCut === owner;
    const help = isAddressLike(bytes, target) ? 'a name is wanted here, not an address' : undefined;
    if (row.code === TYPE.NS && needed) this.#fail('noGlue', i, text, help);
    else if (row.code === TYPE.NS || targetCut < 0) this.#fail('noAddress', i, text, help);
  }

  // The name itself, or the wildcard that answers for it (RFC 4592 §3.3.1), or a DNAME that leads elsewhere.
  #hasAddress(target: number, offset: number): boolean {
    const { bytes } = this.#records;
    const { flags } = this.#index;
    if (target >= 0) return (flags[target] & (HAS.ADDRESS | HAS.POOL)) !== 0;
    const wildcard = new Uint8Array(256);
    wildcard.set([1, 0x2a]);
    for (let at = offset + 1 + bytes[offset]; ; at += 1 + bytes[at]) {
      const parent = this.#index.find(bytes, at);
      if (parent >= 0 && (flags[parent] & HAS.DNAME) !== 0) return true;
      wildcard.set(bytes.subarray(at, at + nameLength(bytes, at)), 2);
      const id = this.#index.find(wildcard);
      if (id >= 0) return (flags[id] & (HAS.ADDRESS | HAS.POOL | HAS.CNAME)) !== 0;
      if (parent >= 0 || bytes[at] === 0) return false;
    }
  }

  // Marks the names that NS point to, and finds for each name the cut and the DNAME above it.
  #locate(): void {
    const { type, bytes, rdata, count } = this.#records;
    const { flags, offset } = this.#index;
    let cuts = 0;
    let dnames = 0;
    for (let i = 0; i < count; i++) {
      if (type[i] === TYPE.DNAME) dnames++;
      if (type[i] !== TYPE.NS) continue;
      if (this.#index.of[i] !== this.#apex) cuts++;
      const target = this.#index.find(bytes, rdata[i]);
      if (target >= 0) flags[target] |= HAS.NS_TARGET;
    }
    if (cuts + dnames === 0) return;
    for (let id = 0; id < this.#index.count; id++) {
      if ((flags[id] & HAS.OUTSIDE) !== 0) continue;
      if (cuts > 0) this.#cut[id] = this.#cutAbove(bytes, offset[id]);
      if (dnames > 0) this.#dname[id] = this.#above(bytes, offset[id], HAS.DNAME);
    }
  }

  #cutAbove(bytes: Uint8Array, offset: number): number {
    return this.#above(bytes, offset, HAS.NS);
  }

  // The name nearest the apex, from the name at `offset` upwards, that has the flag; the apex itself counts for DNAME alone.
  #above(bytes: Uint8Array, offset: number, flag: number): number {
    let found = -1;
    const apexAt = offset + nameLength(bytes, offset) - this.#origin.length;
    for (let at = offset; at <= apexAt; at += 1 + bytes[at]) {
      if (at === apexAt && flag === HAS.NS) break;
      const id = this.#index.find(bytes, at);
      if (id >= 0 && (this.#index.flags[id] & flag) !== 0) found = id;
      if (bytes[at] === 0) break;
    }
    return found;
  }

  #isWildcard(id: number): boolean {
    const at = this.#index.offset[id];
    return this.#records.bytes[at] === 1 && this.#records.bytes[at + 1] === 0x2a;
  }

  #firstOf(here: readonly number[], type: number): number {
    return here.find(i => this.#records.type[i] === type) as number;
  }

  #compare(a: number, b: number): number {
    const { type } = this.#records;
    return compareRdata(type[a], this.#records.rdataBytes(a), this.#records.rdataBytes(b));
  }

  #same(a: number, b: number): boolean {
    return this.#compare(a, b) === 0;
  }

  #name(id: number): string {
    return formatName(this.#records.bytes, this.#index.offset[id]);
  }

  #fail(fault: Fault, record: number, message: string, help?: string): void {
    const { files, file, line, col } = this.#records;
    this.report.add(
      fault,
      { file: files[file[record]] ?? '', line: line[record], col: col[record] },
      message,
      help,
    );
  }
}

// Whether a name begins as a dotted quad: `10 192.0.2.1` was written where a host belongs.
function isAddressLike(bytes: Uint8Array, offset: number): boolean {
  return /^(\d{1,3}\.){4}/.test(formatName(bytes, offset));
}
