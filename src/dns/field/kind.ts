// What a kind of field is that rdata.ts does not know by itself: its bounds on the wire, its text, and how text is read.
//   octets ─end→ where it ends      octets ─print→ text      words of the lexer ─scan→ octets
// Invariant: scan(print(field)) gives the same octets; end() refuses octets of which that would not be true.
import type { Field } from '../rr.ts';
import type { Fault } from '../zonefile/faults.ts';

export interface Kind {
  /** Offset behind the field at `at`, which must end by `end`; -1 if the octets are no such field. */
  end(bytes: Uint8Array, at: number, end: number): number;
  /** The text of a valid field, bytes[at..end); '' where nothing is written. Names are relative to `origin` (wire). */
  print(bytes: Uint8Array, at: number, end: number, origin: Uint8Array): string;
  /** Takes the words of the field and puts its octets; false after a fault. At least one word is there, unless the field is optional. */
  scan(words: Words, field: Field, mnemonic: string): boolean;
}

/** The words of an entry as a field takes them. */
export interface Words {
  /** Whether one is left. */
  readonly more: boolean;
  /** The number of the word in turn, for faults. */
  readonly at: number;
  /** The word in turn as it stands, escapes unread. */
  readonly word: string;
  readonly isQuoted: boolean;
  /** A quoted string begins right where this word ends. */
  readonly joined: boolean;
  /** Goes on to the next word. */
  next(): true;
  /** What the word means from its `skip`-th octet on, escapes read; undefined after a fault. */
  octets(skip?: number): Uint8Array | undefined;
  /** Appends a number in network order. */
  put(value: number, size: number): true;
  /** Appends octets; false after a fault: too many for a record. */
  putOctets(octets: Uint8Array): boolean;
  /** Takes the word as a name and appends it. */
  name(what: string): boolean;
  /** Takes the word as a number and appends it. */
  number(what: string, mnemonic: string, size: 1 | 2 | 4, words?: ReadonlyMap<string, number>): boolean;
  /** Notes a fault of the word in turn, or of word `token`. */
  fail(fault: Fault, message: string, token?: number, help?: string): false;
}
