// Master files (RFC 1035 §5, RFC 2308 §4) into the columns of a RecordList:
//   text ─lex─→ entry ─┬─ $ORIGIN $TTL $INCLUDE $GENERATE ─→ origin, TTL, another file, many records
//                      └─ [owner] [TTL] [class] type rdata ─rdata.ts─→ wire ─→ RecordList.add
// Invariant: a fault costs its own entry and no other; what is in the list is well-formed. Meaning is check.ts's.
import { type Diagnostic, hasErrors } from '../../kit/diag.ts';
import { GtmError } from '../../kit/errors.ts';
import { nearest } from '../../kit/suggest.ts';
import { ROOT } from '../name.ts';
import { RecordList } from '../records.ts';
import { TYPE } from '../rr.ts';
import { Report, show } from './faults.ts';
import { parseRange, rangeSize } from './generate.ts';
import { Generator } from './generator.ts';
import type { Lexer } from './lex.ts';
import { RdataScanner } from './rdata.ts';
import { Reading } from './reading.ts';
import { MAX_TTL } from './time.ts';
import { isClassKey, isInKey, wordKey } from './words.ts';

/** A file's text and the name under which faults report it. Octets are taken as they are, a string as UTF-8. */
export interface Source {
  file: string;
  text: string | Uint8Array;
}

export interface ParseOptions {
  /** The zone's name (wire): the origin at the beginning. */
  origin: Uint8Array;
  /** How faults name the file. */
  file: string;
  /**
   * Loads the file of an $INCLUDE, named as in the zone file and asked for by the file `from`; `fault` says why it may
   * not («outside the zone folder») or cannot be read. The caller confines it; the same file must come under the same
   * name, since that is how a loop is known. Without it every $INCLUDE is a fault.
   */
  include?: ((name: string, from: string) => Source | { fault: string }) | undefined;
  /** Errors listed before the parse gives up, and warnings at most; default 1000. */
  maxFaults?: number;
  /** Used for one zone after the other where many are parsed; the list is emptied first. */
  scanner?: RdataScanner;
  records?: RecordList | undefined;
  /** Told now and then how many octets of the file itself have been read. */
  progress?: (offset: number) => void;
}

const MAX_DEPTH = 16;
const MAX_INCLUDES = 10_000;
/** Entries between two words on the progress. */
const PROGRESS = 8192;
/** Of one zone. */
const MAX_GENERATED = 1 << 22;

/** Parses a zone file. The records without fault are there even if others have one. */
export function parseZone(
  text: string | Uint8Array,
  options: ParseOptions,
): { records: RecordList; diagnostics: Diagnostic[] } {
  const parser = new Parser(options);
  parser.read(new Reading(text, [options.file], options.origin, parser.report));
  return { records: parser.records, diagnostics: parser.report.end() };
}

/** The one record of a line such as `www 60 A 192.0.2.1`; TTL 0 if it states none. Throws GTM_ZONE with the first fault. */
export function parseRecordLine(
  line: string,
  origin: Uint8Array = ROOT,
): { owner: Uint8Array; ttl: number; type: number; rdata: Uint8Array } {
  const { records, diagnostics } = parseZone(`$TTL 0\n${line}`, { origin, file: 'line' });
  if (hasErrors(diagnostics)) throw new GtmError('GTM_ZONE', diagnostics[0].message);
  if (records.count !== 1) throw new GtmError('GTM_ZONE', `${records.count} records where one is expected`);
  return {
    owner: records.ownerBytes(0),
    ttl: records.ttl[0],
    type: records.type[0],
    rdata: records.rdataBytes(0),
  };
}

class Parser {
  readonly records: RecordList;
  readonly report: Report;
  readonly #options: ParseOptions;
  readonly #scanner: RdataScanner;
  #includes = 0;
  // Seconds; -1: none yet. Unlike origin and owner they outlive the end of an included file.
  #defaultTtl = -1;
  #lastTtl = -1;
  #warnedTtl = false;
  // Of the entry that is being read.
  #ttl = -1;
  #generated = 0;

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#scanner = options.scanner ?? new RdataScanner();
    this.records = options.records ?? new RecordList();
    this.records.clear();
    this.report = new Report(options.maxFaults);
  }

  read(r: Reading): void {
    const { lex } = r;
    const file = this.records.fileIndex(r.file);
    const progress = r.chain.length === 1 ? this.#options.progress : undefined;
    for (let n = 1; !this.report.full && lex.next(); n++) {
      if (n % PROGRESS === 0) progress?.(lex.start[0]);
      const directive = !lex.blank && lex.count > 0 && isDirective(lex);
      if (lex.fault !== undefined) {
        r.failLex();
        // What follows inherits the owner of this entry, where it can be read.
        if (!lex.blank && lex.count > 0 && !directive) r.setOwner();
      } else if (directive) {
        this.#directive(r, file);
      } else if (lex.blank && r.owner === undefined && !r.lost) {
        r.fail('noOwner', 0, 'the first record has no owner to inherit', 'write @ for the zone itself');
      } else {
        if (!lex.blank) r.setOwner();
        this.#record(r, file);
      }
    }
  }

  #record(r: Reading, file: number): void {
    const { lex } = r;
    const at = this.#ttlAndClass(r, lex.blank ? 0 : 1);
    const type = at < 0 ? -1 : r.type(at);
    if (type < 0) return;
    const length = this.#scanner.scan(lex, at + 1, type, r.origin);
    if (length < 0) {
      const fault = this.#scanner.fault as NonNullable<RdataScanner['fault']>;
      r.fail(fault.fault, fault.token, fault.message, fault.help);
      return;
    }
    const ttl = this.#ttlOf(r, type, length, at);
    // A line that inherits its owner from one that is no name is read for its own faults alone.
    if (ttl < 0 || r.owner === undefined) return;
    const rdata = this.#scanner.out.subarray(0, length);
    this.records.add(r.owner, type, ttl, rdata, file, lex.line[at], lex.col(at));
  }

  // TTL and class come in either order, each at most once (RFC 1035 §5.1). Notes the TTL, -1 without one; returns the
  // token behind them, or -1 after a fault.
  #ttlAndClass(r: Reading, from: number): number {
    const { lex } = r;
    let classed = false;
    this.#ttl = -1;
    for (let at = from; ; at++) {
      if (at >= lex.count || lex.quoted[at] === 1) return at;
      if (this.#ttl < 0 && r.isTtl(at)) {
        this.#ttl = r.ttl(at);
        if (this.#ttl < 0) return -1;
      } else if (!classed && isClass(lex, at)) {
        if (!isIn(r, at)) return -1;
        classed = true;
      } else return at;
    }
  }

  // The TTL that was stated, or else the one that is inherited; -1 after a fault.
  #ttlOf(r: Reading, type: number, length: number, at: number): number {
    if (this.#ttl < 0) return this.#inheritedTtl(r, type, length, at);
    this.#lastTtl = this.#ttl;
    return this.#ttl;
  }

  // RFC 2308 §4: $TTL; without it the TTL stated last (RFC 1035 §5.1), or else the minimum of the SOA.
  #inheritedTtl(r: Reading, type: number, length: number, at: number): number {
    if (this.#defaultTtl >= 0) return this.#defaultTtl;
    let from = 'the TTL stated last';
    if (this.#lastTtl < 0) {
      if (type !== TYPE.SOA)
        return r.fail('noTtl', at, 'the record has no TTL', 'begin the file with $TTL, such as $TTL 1h');
      const { out } = this.#scanner;
      const minimum = new DataView(out.buffer).getUint32(length - 4);
      this.#defaultTtl = Math.min(minimum, MAX_TTL);
      from = 'the minimum of the SOA';
    }
    if (!this.#warnedTtl) {
      this.#warnedTtl = true;
      r.fail('oldTtl', at, `the record has no TTL, and there is no $TTL: it takes ${from}`);
    }
    return this.#defaultTtl >= 0 ? this.#defaultTtl : this.#lastTtl;
  }

  #directive(r: Reading, file: number): void {
    const { lex } = r;
    const word = lex.text(0).toUpperCase();
    const argument = ARGUMENT[word];
    const most = MOST_WORDS[word] ?? 2;
    if (argument === undefined) {
      const near = nearest(word, Object.keys(ARGUMENT));
      const help = near === undefined ? undefined : `did you mean ${near}?`;
      r.fail('directive', 0, `${show(lex.text(0))} is not a directive`, help);
    } else if (lex.count < 2) {
      r.fail('argument', 1, `${word} without its ${argument}`);
    } else if (lex.count > most) {
      r.fail('extra', most, `${word} takes a ${argument}: ${show(lex.text(most))} is too much`);
    } else if (word === '$ORIGIN') {
      r.origin = r.name(1, 'origin') ?? r.origin;
    } else if (word === '$TTL') {
      const ttl = r.ttl(1);
      if (ttl >= 0) this.#defaultTtl = ttl;
    } else if (word === '$GENERATE') {
      this.#generate(r, file);
    } else {
      this.#include(r);
    }
  }

  #generate(r: Reading, file: number): void {
    const { lex } = r;
    const range = parseRange(lex.text(1));
    if (typeof range === 'string') return void r.fail('generate', 1, `${show(lex.text(1))}: ${range}`);
    if (lex.count < 3) return void r.fail('argument', 2, '$GENERATE without its owner');
    const at = this.#ttlAndClass(r, 3);
    const type = at < 0 ? -1 : r.type(at);
    if (type < 0) return;
    this.#generated += rangeSize(range);
    if (this.#generated > MAX_GENERATED)
      return void r.fail('generated', 1, `more than ${MAX_GENERATED} records come from $GENERATE`);
    const made = new Generator(r, at);
    for (let n = range.start; n <= range.stop && made.ok; n += range.step) {
      const owner = made.owner(n);
      const length = owner === undefined ? -1 : made.rdata(n, type, this.#scanner);
      if (length < 0 || owner === undefined) return;
      const ttl = this.#ttlOf(r, type, length, at);
      if (ttl < 0) return;
      const rdata = this.#scanner.out.subarray(0, length);
      this.records.add(owner, type, ttl, rdata, file, lex.line[at], lex.col(at));
    }
  }

  #include(r: Reading): void {
    const name = r.lex.text(1);
    const origin = r.lex.count > 2 ? r.name(2, 'origin') : r.origin;
    if (origin === undefined) return;
    const source = this.#options.include?.(name, r.file) ?? { fault: 'files are not included here' };
    const chain = [...r.chain, 'fault' in source ? name : source.file];
    const path = chain.join(' → ');
    if ('fault' in source) {
      r.fail('include', 1, `cannot include ${show(name)}: ${source.fault} (${path})`);
    } else if (r.chain.includes(source.file)) {
      r.fail('loop', 1, `${show(name)} is included within itself: ${path}`);
    } else if (chain.length > MAX_DEPTH) {
      r.fail('loop', 1, `files are included more than ${MAX_DEPTH} deep: ${path}`);
    } else if (this.#includes++ >= MAX_INCLUDES) {
      r.fail('loop', 1, `more than ${MAX_INCLUDES} files are included: ${path}`);
    } else {
      const inner = new Reading(source.text, chain, origin, this.report);
      inner.owner = r.owner;
      inner.lost = r.lost;
      this.read(inner);
    }
  }
}

const ARGUMENT: Record<string, string> = {
  $ORIGIN: 'name',
  $TTL: 'TTL',
  $INCLUDE: 'file, and an origin if need be',
  $GENERATE: 'range',
};

/** Words of a directive, itself counted. */
const MOST_WORDS: Record<string, number> = { $INCLUDE: 3, $GENERATE: Number.POSITIVE_INFINITY };

function isDirective(lex: Lexer): boolean {
  return lex.quoted[0] === 0 && lex.bytes[lex.start[0]] === 0x24;
}

// IN, CH, HS and CS, of which none is a type; CLASSnnn is RFC 3597 §5.
function isClass(lex: Lexer, i: number): boolean {
  const key = wordKey(lex.bytes, lex.start[i], lex.end[i]);
  return key >= 0 ? isClassKey(key) : /^CLASS\d{1,5}$/i.test(lex.text(i));
}

function isIn(r: Reading, i: number): boolean {
  const { lex } = r;
  if (isInKey(wordKey(lex.bytes, lex.start[i], lex.end[i])) || /^CLASS0*1$/i.test(lex.text(i))) return true;
  r.fail('class', i, `class ${show(lex.text(i))}: only IN is served`);
  return false;
}
