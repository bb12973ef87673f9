// Netlink messages as bytes: a writer that nests, and a reader that trusts no length (include/uapi/linux/netlink.h).
//   header 16: length u32 · type u16 · flags u16 · sequence u32 · port u32, then the family's own header, then attributes
//   attribute: length u16 (its 4 included) · type u16, padded to 4. Host order (little-endian) unless called be….
// Invariant: what is read lies inside of the bytes given; a length that does not fit ends the reading.

/** Flags of a request; REPLACE and those behind it make sense with NEW… commands. */
export const NLM = {
  REQUEST: 1,
  MULTI: 2,
  ACK: 4,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
} as const;

export const HEADER = { length: 0, type: 4, flags: 6, sequence: 8, port: 12, size: 16 } as const;

/** Types of the messages that belong to netlink itself. */
export const CONTROL = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const TEXT = new TextEncoder();

/** A request under construction. What is appended stands in the order of the calls; each call returns the message. */
export class Request {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #end: number = HEADER.size;

  constructor(type: number, flags = 0) {
    this.#view.setUint16(HEADER.type, type, true);
    this.#view.setUint16(HEADER.flags, flags | NLM.REQUEST, true);
  }

  /** Bytes of the family's own header, as they are (not padded). */
  raw(bytes: Uint8Array | readonly number[]): this {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  rawU16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  rawU32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value >>> 0, true);
    return this;
  }

  bytes(type: number, value: Uint8Array): this {
    const at = this.#attribute(type, value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** A text with the NUL that the kernel wants behind it. */
  text(type: number, value: string): this {
    const bytes = TEXT.encode(value);
    const at = this.#attribute(type, bytes.length + 1);
    this.#bytes.set(bytes, at);
    return this;
  }

  flag(type: number): this {
    this.#attribute(type, 0);
    return this;
  }

  u8(type: number, value: number): this {
    const at = this.#attribute(type, 1);
    this.#bytes[at] = value;
    return this;
  }

  u16(type: number, value: number): this {
    const at = this.#attribute(type, 2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#view.setUint32(at, value >>> 0, true);
    return this;
  }

  u64(type: number, value: bigint): this {
    const at = this.#attribute(type, 8);
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  /** Network order. */
  be16(type: number, value: number): this {
    const at = this.#attribute(type, 2);
    this.#view.setUint16(at, value);
    return this;
  }

  be32(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#view.setUint32(at, value >>> 0);
    return this;
  }

  be64(type: number, value: bigint): this {
    const at = this.#attribute(type, 8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  /** An attribute that holds those which `fill` appends; marked as nested unless told otherwise (old families refuse it). */
  nest(type: number, fill: (r: this) => void, marked = true): this {
    const at = this.#attribute(marked ? type | NESTED : type, 0) - 4;
    fill(this);
    this.#view.setUint16(at, this.#end - at, true);
    return this;
  }

  /** The whole message, its length, flags and sequence set; valid until the next append. `flags` are added. */
  finish(sequence: number, flags = 0): Uint8Array {
    this.#view.setUint32(HEADER.length, this.#end, true);
    this.#view.setUint16(HEADER.flags, this.#view.getUint16(HEADER.flags, true) | flags, true);
    this.#view.setUint32(HEADER.sequence, sequence, true);
    return this.#bytes.subarray(0, this.#end);
  }

  get type(): number {
    return this.#view.getUint16(HEADER.type, true);
  }

  // Where `length` bytes go; attributes begin at multiples of 4, and what is between is 0.
  #room(length: number): number {
    const at = this.#end;
    this.#end += length;
    if (this.#end + 4 > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#end + 256));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  #attribute(type: number, length: number): number {
    if (length > 0xffff - 4) throw new RangeError(`netlink attribute ${type & TYPE_MASK} of ${length} bytes`);
    this.#end = (this.#end + 3) & ~3;
    const at = this.#room(4 + ((length + 3) & ~3));
    this.#view.setUint16(at, 4 + length, true);
    this.#view.setUint16(at + 2, type, true);
    return at + 4;
  }
}

/** The attributes of a message or of a nested attribute. What is missing, or too short, is undefined. */
export class Attributes {
  readonly #all = new Map<number, Uint8Array>();
  /** Every attribute in its order, for lists whose members have one type. */
  readonly list: { type: number; value: Uint8Array }[] = [];

  /** `offset`: where they begin, behind the family's own header. Of attributes of one type the last counts. */
  constructor(bytes: Uint8Array, offset = 0) {
    const view = viewOf(bytes);
    for (let at = offset; at + 4 <= bytes.length; ) {
      const length = view.getUint16(at, true);
      if (length < 4 || at + length > bytes.length) break;
      const type = view.getUint16(at + 2, true) & TYPE_MASK;
      const value = bytes.subarray(at + 4, at + length);
      this.#all.set(type, value);
      this.list.push({ type, value });
      at += (length + 3) & ~3;
    }
  }

  has(type: number): boolean {
    return this.#all.has(type);
  }

  bytes(type: number): Uint8Array | undefined {
    return this.#all.get(type);
  }

  /** Up to the first NUL. */
  text(type: number): string | undefined {
    const bytes = this.#all.get(type);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf(0);
    return String.fromCharCode(...bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, 256)));
  }

  u8(type: number): number | undefined {
    return this.#sized(type, 1)?.getUint8(0);
  }

  u16(type: number): number | undefined {
    return this.#sized(type, 2)?.getUint16(0, true);
  }

  u32(type: number): number | undefined {
    return this.#sized(type, 4)?.getUint32(0, true);
  }

  u64(type: number): bigint | undefined {
    return this.#sized(type, 8)?.getBigUint64(0, true);
  }

  be16(type: number): number | undefined {
    return this.#sized(type, 2)?.getUint16(0);
  }

  be32(type: number): number | undefined {
    return this.#sized(type, 4)?.getUint32(0);
  }

  /** The members of a list of nested attributes. */
  each(): Attributes[] {
    return this.list.map(({ value }) => new Attributes(value));
  }

  nested(type: number): Attributes | undefined {
    const bytes = this.#all.get(type);
    return bytes && new Attributes(bytes);
  }

  #sized(type: number, least: number): DataView | undefined {
    const bytes = this.#all.get(type);
    return bytes !== undefined && bytes.length >= least ? viewOf(bytes) : undefined;
  }
}

/** A message that came in; `body` is what stands behind the 16 octets of its header, in memory of its own. */
export interface Message {
  type: number;
  flags: number;
  sequence: number;
  body: Uint8Array;
}

/** The messages in what one read brought. Those behind a length that cannot be are left out. */
export function readMessages(bytes: Uint8Array): Message[] {
  const found: Message[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at + HEADER.size <= bytes.length; ) {
    const length = view.getUint32(at + HEADER.length, true);
    if (length < HEADER.size || at + length > bytes.length) break;
    found.push({
      type: view.getUint16(at + HEADER.type, true),
      flags: view.getUint16(at + HEADER.flags, true),
      sequence: view.getUint32(at + HEADER.sequence, true),
      body: bytes.slice(at + HEADER.size, at + length),
    });
    at += (length + 3) & ~3;
  }
  return found;
}

/** A view of exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
