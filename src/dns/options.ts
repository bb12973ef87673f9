// The EDNS options that are answered: COOKIE (cookie.ts), client subnet (subnet.ts), NSID (RFC 5001), TCP keepalive
// (RFC 7828) and, of our own accord, one extended error (RFC 8914). Padding (RFC 7830) is for encrypted transports.
//   take: the query's options → what goes back, and how long it is      write: behind the head of the reply's OPT
// Invariant: question and options together stay below 512 octets, whatever is asked for.
import type { Client } from '../model/steering.ts';
import { COOKIE, COOKIE_LENGTH, type Cookies } from './cookie.ts';
import { type Edns, OPTION } from './edns.ts';
import { takeSubnet } from './subnet.ts';

const HEAD = 4;
/** Octets of an extended error without text. */
export const EDE_LENGTH = HEAD + 2;

/** Extended errors (RFC 8914 §4); none is -1. */
export const EDE = { none: -1, notAuthoritative: 20, notSupported: 21 } as const;

export interface OptionSettings {
  cookies?: Cookies | undefined;
  /** Whether client subnets are read. */
  subnets: boolean;
  nsid?: Uint8Array | undefined;
  /** What a TCP connection may be idle, in units of 100 ms; 0 = not told. */
  keepalive: number;
}

/** One reply's options, refilled for each query. */
export class Options {
  /** Octets in the reply's OPT, without an extended error. */
  length = 0;
  /** Of COOKIE. */
  cookie: number = COOKIE.none;
  readonly #settings: OptionSettings;
  #bytes: Uint8Array = new Uint8Array(0);
  #subnetAt = 0;
  #subnetLength = 0;
  #nsid = false;
  #keepalive = false;

  constructor(settings: OptionSettings = { subnets: false, keepalive: 0 }) {
    this.#settings = settings;
  }

  /** Reads what the query asks for, and fills the client's subnet. Returns false for FORMERR: then nothing goes back. */
  take(edns: Edns, bytes: Uint8Array, client: Client, now: number): boolean {
    this.length = 0;
    this.cookie = COOKIE.none;
    client.subnetFamily = 0;
    if (!edns.present || edns.version !== 0 || edns.optionsEnd === edns.options) return true;
    const { cookies, subnets, nsid, keepalive } = this.#settings;
    let length = 0;
    let cookie: number = COOKIE.none;
    if (edns.cookieAt !== 0 && cookies !== undefined) {
      cookie = cookies.take(bytes, edns.cookieAt, edns.cookieLength, client, now);
      if (cookie === COOKIE.malformed) return false;
      length += HEAD + COOKIE_LENGTH;
    }
    this.#subnetAt = subnets ? edns.subnetAt : 0;
    if (this.#subnetAt !== 0) {
      if (!takeSubnet(bytes, edns.subnetAt, edns.subnetLength, client)) return false;
      this.#bytes = bytes;
      this.#subnetLength = edns.subnetLength;
      length += HEAD + edns.subnetLength;
    }
    this.#nsid = edns.nsid && nsid !== undefined;
    if (this.#nsid && nsid !== undefined) length += HEAD + nsid.length;
    // RFC 7828 §3.3.1: over UDP it is as good as not there; a client has no time-out to tell (§3.2.1).
    this.#keepalive = client.tcp && keepalive !== 0 && edns.keepaliveLength >= 0;
    if (this.#keepalive) {
      if (edns.keepaliveLength !== 0) return false;
      length += HEAD + 2;
    }
    this.cookie = cookie;
    this.length = length;
    return true;
  }

  /** Writes the options, and `ede` unless it is none, from `at` on. Returns the offset behind them. */
  write(out: Uint8Array, at: number, ede: number): number {
    let to = at;
    if (this.length !== 0) to = this.#answer(out, to);
    if (ede !== EDE.none) {
      to = head(out, to, OPTION.ede, 2);
      out[to++] = ede >> 8;
      out[to++] = ede & 255;
    }
    return to;
  }

  #answer(out: Uint8Array, at: number): number {
    const { cookies, nsid, keepalive } = this.#settings;
    let to = at;
    if (this.cookie !== COOKIE.none && cookies !== undefined) {
      to = head(out, to, OPTION.cookie, COOKIE_LENGTH);
      cookies.write(out, to);
      to += COOKIE_LENGTH;
    }
    if (this.#subnetAt !== 0) {
      to = head(out, to, OPTION.subnet, this.#subnetLength);
      // As it came, its scope being 0 already (RFC 7871 §7.2.1).
      for (let i = 0; i < this.#subnetLength; i++) out[to++] = this.#bytes[this.#subnetAt + i];
    }
    if (this.#nsid && nsid !== undefined) {
      to = head(out, to, OPTION.nsid, nsid.length);
      for (let i = 0; i < nsid.length; i++) out[to++] = nsid[i];
    }
    if (this.#keepalive) {
      to = head(out, to, OPTION.keepalive, 2);
      out[to++] = keepalive >> 8;
      out[to++] = keepalive & 255;
    }
    return to;
  }
}

function head(out: Uint8Array, at: number, code: number, length: number): number {
  out[at] = 0;
  out[at + 1] = code;
  out[at + 2] = length >> 8;
  out[at + 3] = length & 255;
  return at + HEAD;
}
