// EDNS(0), RFC 6891: the OPT record of a query, and the one of its reply. Exactly one, owned by the root, its options
// within its rdata; anything else is FORMERR. Options that are not known are ignored (§6.1.2), flags but DO cleared
// (§6.1.4). Where the known ones stand is noted; what they mean is in options.ts.
import { type Query, read16, skipName } from './message.ts';
import { TYPE } from './rr.ts';

/** Codes of the options that are known (IANA, DNS EDNS0 Option Codes). */
export const OPTION = { nsid: 3, subnet: 8, cookie: 10, keepalive: 11, ede: 15 } as const;

/** Octets of our OPT record without options. */
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
  /** Where the data of the first option of a kind begins in the query, 0 = none, and its octets. */
  cookieAt = 0;
  cookieLength = 0;
  subnetAt = 0;
  subnetLength = 0;
  nsid = false;
  /** Octets of the TCP keepalive option's data, -1 = none. */
  keepaliveLength = -1;

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

  /**
   * Writes the head of our OPT at `at`: version 0, DO as asked, the upper eight bits of the rcode, and room for `length`
   * octets of options. Returns the offset behind it.
   */
  write(out: Uint8Array, at: number, rcode: number, udpSize: number, length: number): number {
    out[at] = 0;
    out[at + 1] = 0;
    out[at + 2] = TYPE.OPT;
    out[at + 3] = udpSize >> 8;
    out[at + 4] = udpSize & 255;
    out[at + 5] = rcode >> 4;
    out[at + 6] = 0;
    out[at + 7] = this.dnssecOk ? DO >> 8 : 0;
    out[at + 8] = 0;
    out[at + 9] = length >> 8;
    out[at + 10] = length & 255;
    return at + OPT_LENGTH;
  }

  // `at` is the offset of OPT's type; its class is the size, its TTL rcode, version and flags.
  #take(bytes: Uint8Array, at: number): boolean {
    this.size = read16(bytes, at + 2);
    this.version = bytes[at + 5];
    this.dnssecOk = (read16(bytes, at + 6) & DO) !== 0;
    this.options = at + 10;
    this.optionsEnd = this.options + read16(bytes, at + 8);
    this.cookieAt = 0;
    this.subnetAt = 0;
    this.nsid = false;
    this.keepaliveLength = -1;
    let option = this.options;
    while (option < this.optionsEnd) {
      if (option + 4 > this.optionsEnd) return false;
      const length = read16(bytes, option + 2);
      this.#note(read16(bytes, option), option + 4, length);
      option += 4 + length;
    }
    this.present = option === this.optionsEnd;
    return this.present;
  }

  // Of several of one kind the first counts (RFC 7873 §5.2 says so of cookies).
  #note(code: number, at: number, length: number): void {
    switch (code) {
      case OPTION.cookie:
        if (this.cookieAt !== 0) return;
        this.cookieAt = at;
        this.cookieLength = length;
        return;
      case OPTION.subnet:
        if (this.subnetAt !== 0) return;
        this.subnetAt = at;
        this.subnetLength = length;
        return;
      case OPTION.nsid:
        this.nsid = true;
        return;
      case OPTION.keepalive:
        if (this.keepaliveLength < 0) this.keepaliveLength = length;
        return;
      default:
    }
  }
}
