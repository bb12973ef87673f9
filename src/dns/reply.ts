// The reply while it is written: question, then RRsets section by section, straight from the zone's bytes. An RRset
// goes in whole or not at all (RFC 2181 §9). Writes behind the end of `out` do nothing, so room is checked once behind
// each record, not before each byte.
import { Compressor } from './compress.ts';
import type { Edns } from './edns.ts';
import { Labels } from './labels.ts';
import { BIT, HEADER, type Query, RCODE } from './message.ts';
import { EDE, EDE_LENGTH, type Options } from './options.ts';
import { CLASS, TYPE } from './rr.ts';
import { HINT, R } from './zone/layout.ts';
import type { Lookup } from './zone/lookup.ts';

export const SECTION = { answer: 0, authority: 1, additional: 2 } as const;

const POINTER = 0xc000;
const POINTER_END = 0x4000;
const NOTHING = new Uint8Array(0);

/** One reply, refilled for each query. */
export class Reply {
  out: Uint8Array = NOTHING;
  /** Where the next octet goes. */
  at = HEADER;
  /** No RRset may end behind it; room for OPT and its options is already taken off. */
  limit = 0;
  rcode = 0;
  aa = false;
  tc = false;
  /** Message offset at which the name last written stands, wherever the compression found it. */
  place = 0;
  readonly counts = new Uint16Array(3);
  readonly #compressor = new Compressor();
  readonly #scratch = new Labels();
  #question: Labels | undefined;
  #questionNoted = false;
  #bodyAt = HEADER;

  /** Starts a reply to `query` in `out`, with its question byte for byte if it could be read; up to `limit` octets. */
  begin(out: Uint8Array, limit: number, query: Query): void {
    this.out = out;
    this.limit = limit;
    this.rcode = RCODE.NOERROR;
    this.aa = false;
    this.tc = false;
    this.#countNone();
    this.#question = query.name;
    this.#questionNoted = false;
    this.#compressor.forget(0);
    const { bytes, end } = query;
    for (let i = HEADER; i < end; i++) out[i] = bytes[i];
    this.at = end;
    this.#bodyAt = end;
  }

  /** Takes back all records, for an answer that turned out otherwise. */
  clear(): void {
    this.#cutBack(this.#bodyAt);
    this.#countNone();
  }

  /** Not all that is needed fits: no record, and TC, so that the client asks over TCP (RFC 2181 §9). */
  truncate(): void {
    this.clear();
    this.tc = true;
  }

  /**
   * Adds the RRset at `row` of the zone in `look`, owned by `owner` from label `from` on. Returns false, and adds nothing,
   * if it does not fit.
   */
  rrset(section: number, owner: Labels, from: number, look: Lookup, row: number, ttl: number): boolean {
    const { bytes } = look;
    const info = look.words[row + R.type];
    const type = info & 0xffff;
    const hint = info >>> HINT.shift;
    const start = this.at;
    let data = look.data(row);
    const count = bytes[data] | (bytes[data + 1] << 8);
    data += 2;
    let ownerAt = POINTER_END;
    for (let i = 0; i < count; i++) {
      const length = bytes[data] | (bytes[data + 1] << 8);
      data += 2;
      if (ownerAt < POINTER_END) this.#pointer(ownerAt);
      else ownerAt = this.name(owner, from);
      this.#typeAndTtl(type, ttl);
      const sizeAt = this.at;
      this.at += 2;
      if (hint === 0) this.#copy(bytes, data, data + length);
      else this.#rdata(bytes, data, data + length, hint);
      this.#put16(sizeAt, this.at - sizeAt - 2);
      if (this.at > this.limit) {
        this.#cutBack(start);
        return false;
      }
      data += length;
    }
    this.counts[section] += count;
    return true;
  }

  /** Adds `count` A or AAAA records to the answer from packed addresses of 4 or 16 octets. Returns false if they do not fit. */
  addresses(owner: Labels, type: number, ttl: number, packed: Uint8Array, count: number): boolean {
    const size = type === TYPE.A ? 4 : 16;
    const start = this.at;
    let ownerAt = POINTER_END;
    for (let i = 0; i < count; i++) {
      if (ownerAt < POINTER_END) this.#pointer(ownerAt);
      else ownerAt = this.name(owner, 0);
      this.#typeAndTtl(type, ttl);
      this.#put16(this.at, size);
      this.at += 2;
      this.#copy(packed, i * size, i * size + size);
      if (this.at > this.limit) {
        this.#cutBack(start);
        return false;
      }
    }
    this.counts[SECTION.answer] += count;
    return true;
  }

  /** Adds a CNAME made up on the way (RFC 6672 §3.1); `place` is then its target's. Returns false if it does not fit. */
  cname(owner: Labels, ttl: number, target: Labels): boolean {
    const start = this.at;
    this.name(owner, 0);
    this.#typeAndTtl(TYPE.CNAME, ttl);
    const sizeAt = this.at;
    this.at += 2;
    this.name(target, 0);
    this.#put16(sizeAt, this.at - sizeAt - 2);
    if (this.at > this.limit) {
      this.#cutBack(start);
      return false;
    }
    this.counts[SECTION.answer]++;
    return true;
  }

  /** Adds a TXT record of the question's name, of any class, that nobody is to keep. Returns false if it does not fit. */
  text(klass: number, rdata: Uint8Array): boolean {
    const start = this.at;
    this.#pointer(HEADER);
    this.#typeAndTtl(TYPE.TXT, 0);
    this.#put16(start + 4, klass);
    this.#put16(this.at, rdata.length);
    this.at += 2;
    this.#copy(rdata, 0, rdata.length);
    if (this.at > this.limit) {
      this.#cutBack(start);
      return false;
    }
    this.counts[SECTION.answer]++;
    return true;
  }

  /** Writes `name` from label `from` on, compressed; sets and returns `place`. */
  name(name: Labels, from: number): number {
    if (name === this.#question && from < name.count) {
      // The most common owner stands in the question.
      this.place = HEADER + name.start[from];
      this.#pointer(this.place);
      return this.place;
    }
    this.#noteQuestion();
    const found = this.#compressor.find(this.out, name, from);
    this.place = this.at;
    this.#copy(name.bytes, name.start[from], name.start[found]);
    if (found > from) this.#compressor.note(name, from, found, this.place);
    if (found === name.count) this.out[this.at++] = 0;
    else {
      this.#pointer(this.#compressor.offset);
      if (found === from) this.place = this.#compressor.offset;
    }
    return this.place;
  }

  /**
   * Ends the reply: OPT with its options where the query had one, the extended error `ede` if there is room left, and the
   * header. Returns its length.
   */
  finish(query: Query, edns: Edns, udpSize: number, options: Options, ede: number): number {
    const { out, counts } = this;
    const opt = edns.present ? 1 : 0;
    if (opt === 1) {
      const told = this.at + EDE_LENGTH <= this.limit ? ede : EDE.none;
      const length = options.length + (told === EDE.none ? 0 : EDE_LENGTH);
      this.at = edns.write(out, this.at, this.rcode, udpSize, length);
      if (length !== 0) this.at = options.write(out, this.at, told);
    }
    out[0] = query.bytes[0];
    out[1] = query.bytes[1];
    // Opcode and RD are the query's; RA, Z, AD and CD are 0 (RFC 1035 §4.1.1, RFC 4035 §3.1.6).
    const flags =
      BIT.qr | (query.flags & (0x7800 | BIT.rd)) | (this.aa ? BIT.aa : 0) | (this.tc ? BIT.tc : 0);
    this.#put16(2, flags | (this.rcode & 15));
    this.#put16(4, query.asked ? 1 : 0);
    this.#put16(6, counts[SECTION.answer]);
    this.#put16(8, counts[SECTION.authority]);
    this.#put16(10, counts[SECTION.additional] + opt);
    return this.at;
  }

  // Suffixes of the question's name may be pointed to; noted only once some other name is written.
  #noteQuestion(): void {
    if (this.#questionNoted || this.#question === undefined) return;
    this.#questionNoted = true;
    this.#compressor.noteName(this.#question, HEADER);
  }

  #rdata(bytes: Uint8Array, from: number, end: number, hint: number): void {
    let at = from + ((hint >> HINT.prefixShift) & HINT.prefix);
    this.#copy(bytes, from, at);
    for (let names = hint & HINT.names; names > 0; names--) {
      at = this.#scratch.read(bytes, at, end);
      this.name(this.#scratch, 0);
    }
    this.#copy(bytes, at, end);
  }

  #countNone(): void {
    const { counts } = this;
    for (let i = 0; i < 3; i++) counts[i] = 0;
  }

  #cutBack(at: number): void {
    this.at = at;
    this.#compressor.forget(at);
  }

  #typeAndTtl(type: number, ttl: number): void {
    const { out, at } = this;
    out[at] = type >> 8;
    out[at + 1] = type & 255;
    out[at + 2] = 0;
    out[at + 3] = CLASS.IN;
    out[at + 4] = ttl >>> 24;
    out[at + 5] = (ttl >> 16) & 255;
    out[at + 6] = (ttl >> 8) & 255;
    out[at + 7] = ttl & 255;
    this.at = at + 8;
  }

  #copy(bytes: Uint8Array, from: number, end: number): void {
    const { out } = this;
    let to = this.at;
    for (let i = from; i < end; i++) out[to++] = bytes[i];
    this.at = to;
  }

  #pointer(to: number): void {
    this.#put16(this.at, POINTER | to);
    this.at += 2;
  }

  #put16(at: number, value: number): void {
    this.out[at] = value >> 8;
    this.out[at + 1] = value & 255;
  }
}
