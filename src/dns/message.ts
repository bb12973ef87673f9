// The wire form of a query (RFC 1035 §4.1) as the answer path reads it: header, one question, and where the records
// behind it start. No exception: what cannot be read is told by the fields. A question's name is never compressed,
// since nothing but the header stands before it.
import { Labels } from './labels.ts';

export const HEADER = 12;

/** Bits of the second header word (RFC 1035 §4.1.1; AD and CD: RFC 4035 §3). */
export const BIT = {
  qr: 0x8000,
  aa: 0x0400,
  tc: 0x0200,
  rd: 0x0100,
  ra: 0x0080,
  ad: 0x0020,
  cd: 0x0010,
} as const;

export const OPCODE = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const;

/** Those that are answered with; their names for people are in model/rcode.ts. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const;

const NOTHING = new Uint8Array(0);

/** One query, refilled for each message: nothing may keep it. */
export class Query {
  bytes: Uint8Array = NOTHING;
  length = 0;
  /** The second header word. */
  flags = 0;
  questions = 0;
  /** Records behind the question in all sections, and how many of them before the additional section. */
  records = 0;
  recordsBeforeAdditional = 0;
  /** Set when there is exactly one question and it could be read; then name, type and class are its. */
  asked = false;
  readonly name = new Labels();
  type = 0;
  class = 0;
  /** Where the question ends. */
  end = HEADER;

  /** Takes a message of at least a header's length. */
  parse(bytes: Uint8Array, length: number): void {
    this.bytes = bytes;
    this.length = length;
    this.asked = false;
    this.end = HEADER;
    this.flags = read16(bytes, 2);
    this.questions = read16(bytes, 4);
    this.recordsBeforeAdditional = read16(bytes, 6) + read16(bytes, 8);
    this.records = this.recordsBeforeAdditional + read16(bytes, 10);
    if (this.questions === 1) this.#question();
  }

  get opcode(): number {
    return (this.flags >> 11) & 15;
  }

  #question(): void {
    const at = this.name.read(this.bytes, HEADER, this.length);
    if (at < 0 || at + 4 > this.length) return;
    this.type = read16(this.bytes, at);
    this.class = read16(this.bytes, at + 2);
    this.end = at + 4;
    this.asked = true;
  }
}

export function read16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** The offset behind a name that may be compressed, without following it; -1 if it runs over `end`. */
export function skipName(bytes: Uint8Array, offset: number, end: number): number {
  let at = offset;
  while (at < end) {
    const size = bytes[at];
    if (size === 0) return at + 1;
    if (size >= 0xc0) return at + 2 <= end ? at + 2 : -1;
    if (size > 63) return -1;
    at += size + 1;
  }
  return -1;
}
