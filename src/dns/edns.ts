// EDNS(0), RFC 6891: the OPT record of a query, and the one of its reply. Exactly one, owned by the root, its options
// within its rdata; anything else is FORMERR. Options that are not known are ignored (§6.1.2), flags but DO cleared
// (§6.1.4).
import { type Query, read16, skipName } from './message.ts';
import { TYPE } from './rr.ts';

/** Octets of our OPT record. */
export const OPT_LENGTH = 11;
/** Every client takes as much over UDP (RFC 1035 §2.3.4), so a smaller offer means this (RFC 6891 §6.2.3). */
export const MIN_UDP = 512;
const DO = 0x8000;

/** One query's EDNS, refilled for each message. */
export class Edns {
  /** The query has an OPT, so the reply gets one. */
  present = false;
  /** The payload that the client takes, as offered. */
  size = 0;
  version = 0;
  dnssecOk = false;
  /** The options, from and to, in the query. */
  options = 0;
  optionsEnd = 0;

  /** Reads the records behind the question. Returns false for what is FORMERR; then `present` is false. */
  parse(query: Query): boolean {
    this.present = false;
    const { bytes, length } = query;
    let found = 0;
    let at = query.end;
    for (let i = 0; i < query.records; i++) {
      const name = at;
      at = skipName(bytes, at, length);
      if (at < 0 || at + 10 > length) return false;
      const end = at + 10 + read16(bytes, at + 8);
      if (end > length) return false;
      if (read16(bytes, at) === TYPE.OPT) {
        if (found !== 0 || bytes[name] !== 0 || i < query.recordsBeforeAdditional) return false;
        found = at;
      }
      at = end;
    }
    return found === 0 || this.#take(bytes, found);
  }

  /** The most octets of a reply over UDP, where the server itself sends at most `udpSize`. */
  udpLimit(udpSize: number): number {
    if (!this.present || this.size <= MIN_UDP) return MIN_UDP;
    return this.size < udpSize ? this.size : udpSize;
  }

  /** Writes our OPT at `at`: version 0, DO as asked, the upper eight bits of the rcode. Returns the offset behind it. */
  write(out: Uint8Array, at: number, rcode: number, udpSize: number): number {
    out[at] = 0;
    out[at + 1] = 0;
    out[at + 2] = TYPE.OPT;
    out[at + 3] = udpSize >> 8;
    out[at + 4] = udpSize & 255;
    out[at + 5] = rcode >> 4;
    out[at + 6] = 0;
    out[at + 7] = this.dnssecOk ? DO >> 8 : 0;
    out[at + 8] = 0;
    out[at + 9] = 0;
    out[at + 10] = 0;
    return at + OPT_LENGTH;
  }

  // `at` is the offset of OPT's type; its class is the size, its TTL rcode, version and flags.
  #take(bytes: Uint8Array, at: number): boolean {
    this.size = read16(bytes, at + 2);
    this.version = bytes[at + 5];
    this.dnssecOk = (read16(bytes, at + 6) & DO) !== 0;
    this.options = at + 10;
    this.optionsEnd = this.options + read16(bytes, at + 8);
    let option = this.options;
    while (option < this.optionsEnd) {
      if (option + 4 > this.optionsEnd) return false;
      option += 4 + read16(bytes, option + 2);
    }
    this.present = option === this.optionsEnd;
    return this.present;
  }
}
