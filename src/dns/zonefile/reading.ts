// One file as it is being read: its lexer, the origin and the owner that its lines inherit, and where its faults are.
// An $INCLUDE reads with a Reading of its own, so that origin and owner are afterwards what they were (RFC 1035 §5.1).
import { parseIp } from '../../kit/ip.ts';
import { nearest } from '../../kit/suggest.ts';
import { MAX_NAME, nameFault, scanName } from '../name.ts';
import { isMeta, mnemonics, typeCode, typeText } from '../rr.ts';
import { type Fault, type Report, show } from './faults.ts';
import { Lexer } from './lex.ts';
import { MAX_TTL, scanTime } from './time.ts';
import { typeByKey, wordKey } from './words.ts';

export class Reading {
  readonly lex: Lexer;
  /** The file, and before it those that include it. */
  readonly chain: readonly string[];
  /** Wire names. The owner is undefined before the first record, and after one whose owner is no name. */
  origin: Uint8Array;
  owner: Uint8Array | undefined;
  /** The owner is undefined because its text was no name: what inherits it is no fault of its own. */
  lost = false;
  readonly #report: Report;
  readonly #name = new Uint8Array(MAX_NAME);

  constructor(text: string | Uint8Array, chain: readonly string[], origin: Uint8Array, report: Report) {
    this.lex = new Lexer(text);
    this.chain = chain;
    this.origin = origin;
    this.#report = report;
  }

  get file(): string {
    return this.chain[this.chain.length - 1];
  }

  /** Reports a fault of token i; the count of tokens stands for the place behind the last. Returns -1. */
  fail(fault: Fault, i: number, message: string, help?: string): -1 {
    const { lex, file } = this;
    const last = lex.count - 1;
    const line = lex.line[Math.min(i, last)];
    const col = i > last ? lex.endCol(last) : lex.col(i);
    const endCol = i > last ? col + 1 : lex.endCol(i);
    this.#report.add(fault, { file, line, col, endCol }, message, help);
    return -1;
  }

  /** Reports a fault within token i: `length` characters from its character `at` on, its quote counted. Returns -1. */
  failWithin(fault: Fault, i: number, at: number, length: number, message: string, help?: string): -1 {
    const { lex, file } = this;
    const col = lex.col(i) + at;
    this.#report.add(fault, { file, line: lex.line[i], col, endCol: col + length }, message, help);
    return -1;
  }

  /** Reports what the lexer found wrong with the entry. */
  failLex(): void {
    const { fault, line, col } = this.lex.fault as NonNullable<Lexer['fault']>;
    this.#report.add(fault, { file: this.file, line, col, endCol: col + 1 }, LEX_TEXT[fault]);
  }

  /** Takes token 0 as the owner. */
  setOwner(): void {
    this.owner = this.name(0, 'owner');
    this.lost = this.owner === undefined;
  }

  /** Token i as a wire name; undefined after a fault. */
  name(i: number, what: string): Uint8Array | undefined {
    const { lex } = this;
    if (lex.quoted[i] === 1) {
      this.fail('quoted', i, `the ${what} is not written in quotes`);
      return undefined;
    }
    const n = scanName(lex.bytes, lex.start[i], lex.end[i], this.origin, this.#name);
    if (n > 0) return this.#name.slice(0, n);
    this.fail('name', i, `the ${what} ${show(lex.text(i))} is no name: ${nameFault(n)}`);
    return undefined;
  }

  /** Token i as a TTL in seconds; -1 after a fault. */
  ttl(i: number): number {
    const { lex } = this;
    const ttl = scanTime(lex.bytes, lex.start[i], lex.end[i]);
    if (ttl >= 0 && ttl <= MAX_TTL) return ttl;
    const text = show(lex.text(i));
    if (ttl < 0) return this.fail('ttl', i, `${text} is no TTL: a number of seconds, or such as 1h30m`);
    return this.fail('ttl', i, `TTL ${text} is out of bounds: from 0 to ${MAX_TTL} seconds`);
  }

  /** Whether token i has the look of a TTL: it begins with a digit, and is no address where the type was forgotten. */
  isTtl(i: number): boolean {
    const { bytes, start, end } = this.lex;
    if (bytes[start[i]] < 0x30 || bytes[start[i]] > 0x39) return false;
    for (let at = start[i]; at < end[i]; at++) if (bytes[at] === 0x2e || bytes[at] === 0x3a) return false;
    return true;
  }

  /** Token i as the code of a type that zones may hold; -1 after a fault. */
  type(i: number): number {
    const { lex } = this;
    if (i >= lex.count) return this.fail('noType', i, 'the line has no record type');
    if (lex.quoted[i] === 1) return this.fail('type', i, 'a quoted string is not a record type');
    const known = typeByKey(wordKey(lex.bytes, lex.start[i], lex.end[i]));
    if (known !== undefined) return known;
    const text = lex.text(i);
    const code = typeCode(text);
    if (code === undefined)
      return this.fail('type', i, `${show(text)} is not a record type`, this.#typeHelp(i, text));
    return isMeta(code) ? this.fail('metaType', i, `${typeText(code)} is never data in a zone`) : code;
  }

  // A hint only where it is sure: an address without its type, a slip of the finger, a line that lost its blank.
  #typeHelp(i: number, text: string): string | undefined {
    const first = this.lex.text(0);
    const inColumn1 =
      !this.lex.blank && i > 0 && first === first.toUpperCase() && typeCode(first) !== undefined;
    if (text.startsWith('$') && i === 0) return 'a directive begins in the first column';
    if (parseIp(text) !== undefined && !inColumn1)
      return `the type is missing: ${text.includes(':') ? 'AAAA' : 'A'} ${text}`;
    const near = text.length < 3 ? undefined : nearest(text, mnemonics());
    if (near !== undefined) return `did you mean ${near}?`;
    return inColumn1
      ? `${first} was read as the owner: a line that inherits its owner begins with a blank`
      : undefined;
  }
}

const LEX_TEXT = {
  quote: 'the quoted string that begins here is not closed on its line',
  open: 'the parenthesis that opens here is not closed before the next one or the end of the file',
  close: 'a parenthesis closes here that was not opened',
} as const;
