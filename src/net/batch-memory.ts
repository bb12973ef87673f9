// The memory of a batch of datagrams, laid out once: what recvmmsg fills, and what sendmmsg is given.
//   in:  header i → name i, control i, query i
//   out: header k → name and control of the query that it answers, and reply k or the query itself, made a reply
// Addresses are written as two 32-bit words. Invariant: nothing here moves or is freed while the object is held.
import type { Packets } from '../dns/packet-cache.ts';
import { CMSG, IOVEC, MMSGHDR, SOCKADDR } from '../nic/layout.ts';
import type { Libc } from '../nic/libc.ts';

/** Datagrams in one system call. */
export const WIDTH = 64;
/** A query that is longer, which no frame of Ethernet holds, is cut. Close together, they lie on few pages. */
export const QUERY_SIZE = 1472;

const NAME_SIZE = 32;
const CONTROL_SIZE = 64;
// Between two buffers, so that the heads of all do not fall into the same set of the cache.
const PAD = 64;
const WORD = 4;

// Words within a header.
const HEADER = MMSGHDR.size / WORD;
const NAME = MMSGHDR.name / WORD;
const NAME_LENGTH = MMSGHDR.nameLength / WORD;
const CONTROL = MMSGHDR.control / WORD;
const CONTROL_LENGTH = MMSGHDR.controlLength / WORD;
const LENGTH = MMSGHDR.length / WORD;
const NAME_STEP = NAME_SIZE / WORD;
const CONTROL_STEP = CONTROL_SIZE / WORD;
const CONTROL_LEVEL = CMSG.level / WORD;
const INTERFACE = CMSG.pktinfo.interface / WORD;
const INTERFACE6 = CMSG.pktinfo6.interface / WORD;
const IOV = IOVEC.size / WORD;
const IOV_BASE = IOVEC.base / WORD;
const IOV_LENGTH = IOVEC.length / WORD;

export class BatchMemory {
  /** Addresses of the two arrays of headers. */
  readonly incoming: number;
  readonly outgoing: number;
  /** All queries under one view, and each under its own; replies. */
  readonly queries: Packets;
  readonly query: readonly Uint8Array[];
  readonly out: readonly Uint8Array[];
  /** Words from one query to the next. */
  readonly queryStep: number;
  /** The socket addresses of who asked, NAME_SIZE octets each. */
  readonly names: Uint8Array;
  readonly #in: Uint32Array;
  readonly #out: Uint32Array;
  /** Held for the kernel. */
  readonly #inIov: Uint32Array;
  readonly #outIov: Uint32Array;
  readonly #control: Uint32Array;
  /** Where the replies stand, as in #outIov at first. */
  readonly #places: Uint32Array;
  /** The query whose name and control each outgoing header has, and as a complement where reply k is sent. */
  readonly #answers = Int32Array.from({ length: WIDTH }, (_, i) => ~i);

  constructor(libc: Libc, replySize: number) {
    const queries = slots(libc, QUERY_SIZE);
    const replies = slots(libc, replySize);
    const names = new ArrayBuffer(WIDTH * NAME_SIZE);
    const control = new ArrayBuffer(WIDTH * CONTROL_SIZE);
    this.queries = queries.all;
    this.query = queries.views;
    this.queryStep = queries.step;
    this.out = replies.views;
    this.names = new Uint8Array(names);
    this.#control = new Uint32Array(control);
    const shared = { names: libc.address(names), control: libc.address(control) };
    [this.#in, this.incoming] = headers(libc, queries.iov, shared);
    [this.#out, this.outgoing] = headers(libc, replies.iov, shared);
    this.#inIov = queries.words;
    this.#outIov = replies.words;
    this.#places = replies.words.slice();
    this.rearm(WIDTH);
  }

  /** Makes the first `count` headers fit to receive again: the kernel writes lengths over the room it was given. */
  rearm(count: number): void {
    const words = this.#in;
    for (let i = 0, at = 0; i < count; i++, at += HEADER) {
      words[at + NAME_LENGTH] = SOCKADDR.in6.size;
      words[at + CONTROL_LENGTH] = CONTROL_SIZE;
    }
  }

  /** Octets of query `i`; of one that was too long, as many as there was room for. */
  length(i: number): number {
    return Math.min(this.#in[i * HEADER + LENGTH], this.#inIov[i * IOV + IOV_LENGTH]);
  }

  /**
   * Makes reply `k`, `length` octets, the one to query `i`: to the address that asked, from the one that was asked. What is
   * sent is out[k], or with `inPlace` the query's own buffer.
   */
  reply(k: number, i: number, length: number, inPlace: boolean): void {
    const from = i * HEADER;
    const to = k * HEADER;
    const input = this.#in;
    const output = this.#out;
    const iov = this.#outIov;
    iov[k * IOV + IOV_LENGTH] = length;
    output[to + NAME_LENGTH] = input[from + NAME_LENGTH];
    const control = input[from + CONTROL_LENGTH];
    output[to + CONTROL_LENGTH] = control;
    const answers = inPlace ? i : ~i;
    if (this.#answers[k] !== answers) {
      this.#answers[k] = answers;
      output[to + NAME] = input[from + NAME];
      output[to + NAME + 1] = input[from + NAME + 1];
      output[to + CONTROL] = input[from + CONTROL];
      output[to + CONTROL + 1] = input[from + CONTROL + 1];
      const base = (inPlace ? i : k) * IOV + IOV_BASE;
      const places = inPlace ? this.#inIov : this.#places;
      iov[k * IOV + IOV_BASE] = places[base];
      iov[k * IOV + IOV_BASE + 1] = places[base + 1];
    }
    if (control !== 0) this.#release(i);
  }

  // The source address is what we reply from; the interface is for the routes to choose, as the way back may be another.
  // Link-local IPv6 addresses mean nothing without theirs.
  #release(i: number): void {
    const words = this.#control;
    const at = i * CONTROL_STEP;
    if (words[at + CONTROL_LEVEL] === 0) words[at + INTERFACE] = 0;
    else if ((words[at + CMSG.pktinfo6.address / WORD] & 0xc0ff) !== 0x80fe) words[at + INTERFACE6] = 0;
  }
}

/** Where a name begins in `names`. */
export function nameAt(i: number): number {
  return i * NAME_STEP * WORD;
}

interface Slots {
  all: Packets;
  views: Uint8Array[];
  step: number;
  iov: number;
  words: Uint32Array;
}

function slots(libc: Libc, size: number): Slots {
  const step = ((size + 63) & ~63) + PAD;
  const memory = new ArrayBuffer(WIDTH * step);
  const iov = new ArrayBuffer(WIDTH * IOVEC.size);
  const words = new Uint32Array(iov);
  const base = libc.address(memory);
  for (let i = 0; i < WIDTH; i++) {
    pointer(words, i * IOV + IOV_BASE, base + i * step);
    words[i * IOV + IOV_LENGTH] = size;
  }
  const views = Array.from({ length: WIDTH }, (_, i) => new Uint8Array(memory, i * step, size));
  const all = { bytes: new Uint8Array(memory), words: new Int32Array(memory) };
  return { all, views, step: step / WORD, iov: libc.address(iov), words };
}

function headers(libc: Libc, iov: number, shared: { names: number; control: number }): [Uint32Array, number] {
  const memory = new ArrayBuffer(WIDTH * MMSGHDR.size);
  const words = new Uint32Array(memory);
  for (let i = 0; i < WIDTH; i++) {
    const at = i * HEADER;
    pointer(words, at + NAME, shared.names + i * NAME_SIZE);
    pointer(words, at + MMSGHDR.iov / WORD, iov + i * IOVEC.size);
    words[at + MMSGHDR.iovCount / WORD] = 1;
    pointer(words, at + CONTROL, shared.control + i * CONTROL_SIZE);
  }
  return [words, libc.address(memory)];
}

function pointer(words: Uint32Array, at: number, address: number): void {
  words[at] = address % 0x100000000;
  words[at + 1] = Math.floor(address / 0x100000000);
}
