// Batched UDP: recvmmsg and sendmmsg, 64 datagrams a call, on a thread that blocks in poll() and has no event loop.
//   poll → recvmmsg → look ahead → cache, else respond, one after the other → sendmmsg → recvmmsg, and poll when nothing came
// Beside the sockets an eventfd is polled, by which another thread wakes this one; no sleep is longer than SLEEP_MS.
// Invariant: no object is made per batch, nor per datagram; replies leave before the next batch is received.

import { PacketCache } from '../dns/packet-cache.ts';
import { type Client, newClient } from '../model/steering.ts';
import { AF, MMSGHDR, MSG_DONTWAIT, MSG_WAITFORONE, POLLFD, POLLIN, SOCKADDR } from '../nic/layout.ts';
import { type Libc, systemFault } from '../nic/libc.ts';
import { BatchMemory, nameAt, WIDTH } from './batch-memory.ts';
import { type BatchSocket, PATIENCE_MS } from './batch-socket.ts';
import { NET, newNetCounters, type Respond } from './responder.ts';

/** The longest sleep: a thread that is to end does so in this time even if nobody could wake it. */
export const SLEEP_MS = 100;
// With so many in one call more are probably waiting by now: look before the next sleep.
const BUSY = 8;

const EAGAIN = 11;
const EINTR = 4;

export interface BatchOptions {
  libc: Libc;
  sockets: readonly BatchSocket[];
  /** Of the eventfd that ends a sleep. */
  wake: number;
  /** Monotonic milliseconds, handed to the responder. */
  now: () => number;
  counters?: Float64Array;
  /** Asked before the responder. */
  cache?: PacketCache | undefined;
  /** Bytes of one reply buffer: no reply can be longer. */
  replySize?: number;
}

/** Of one thread: the descriptors stay their owner's. */
export class Batch {
  readonly #libc: Libc;
  readonly #now: () => number;
  readonly #counters: Float64Array;
  readonly #cache: PacketCache;
  readonly #memory: BatchMemory;
  readonly #fds: Int32Array;
  readonly #busy: Uint8Array;
  readonly #poll: Int32Array;
  readonly #pollAt: number;
  readonly #rung = new ArrayBuffer(8);
  readonly #rungAt: number;
  readonly #client: Client = newClient(false);
  readonly #hashes = new Int32Array(WIDTH);

  constructor(options: BatchOptions) {
    const { libc, sockets, wake } = options;
    this.#libc = libc;
    this.#now = options.now;
    this.#counters = options.counters ?? newNetCounters();
    this.#cache = options.cache ?? new PacketCache();
    this.#memory = new BatchMemory(libc, options.replySize ?? 4096);
    this.#fds = Int32Array.from(sockets, s => s.fd);
    this.#busy = new Uint8Array(sockets.length);
    const set = new ArrayBuffer((sockets.length + 1) * POLLFD.size);
    // A pollfd is two words: the descriptor; what is asked in the lower half, what was found in the upper.
    this.#poll = new Int32Array(set);
    [wake, ...this.#fds].forEach((fd, i) => {
      this.#poll.set([fd, POLLIN], 2 * i);
    });
    this.#pollAt = libc.address(set);
    this.#rungAt = libc.address(this.#rung);
  }

  /**
   * Sleeps until there is something to do, `ms` at most, and does it: a batch from each socket that has some. Returns
   * how many queries came. Throws GTM_SYSCALL when a descriptor is none any more.
   */
  turn(respond: Respond, ms = SLEEP_MS): number {
    const busy = this.#busy;
    let waiting = 0;
    for (let s = 0; s < busy.length; s++) waiting |= busy[s];
    if (busy.length === 1 && waiting !== 0 && ms >= PATIENCE_MS) {
      // The next query is near: it is waited for where it comes, which spares a call.
      const count = this.#serve(this.#fds[0], respond, MSG_WAITFORONE);
      busy[0] = count > 0 ? 1 : 0;
      return count;
    }
    // A busy one must not keep the others from being looked at.
    if (waiting === 0 ? !this.#sleep(ms) : busy.length > 1 && !this.#sleep(0)) return 0;
    let served = 0;
    for (let s = 0; s < busy.length; s++) {
      if (busy[s] === 0) continue;
      const count = this.#serve(this.#fds[s], respond, MSG_DONTWAIT);
      busy[s] = count >= BUSY || (count > 0 && busy.length === 1) ? 1 : 0;
      served += count;
    }
    return served;
  }

  // Whether a socket is to be read; which ones stands in #busy.
  #sleep(ms: number): boolean {
    const libc = this.#libc;
    const set = this.#poll;
    const ready = libc.poll(this.#pollAt, set.length >> 1, ms);
    if (ready < 0 && libc.errno() !== EINTR) throw systemFault('poll', libc.errno());
    if (ready <= 0) return false;
    if (set[1] >> 16 !== 0) libc.read(set[0], this.#rungAt, this.#rung.byteLength);
    for (let s = 0; s < this.#busy.length; s++) this.#busy[s] = set[2 * s + 3] >> 16 === 0 ? 0 : 1;
    return true;
  }

  #serve(fd: number, respond: Respond, flags: number): number {
    const libc = this.#libc;
    const memory = this.#memory;
    const count = libc.recvmmsg(fd, memory.incoming, WIDTH, flags, 0);
    if (count <= 0) {
      const errno = libc.errno();
      if (errno !== EAGAIN && errno !== EINTR) throw systemFault('recvmmsg', errno);
      return 0;
    }
    const client = this.#client;
    const cache = this.#cache;
    const { queries, queryStep } = memory;
    const hashes = this.#hashes;
    for (let i = 0; i < count; i++) hashes[i] = cache.hash(queries, i * queryStep, memory.length(i));
    for (let i = 0; i < count; i++) cache.touch(hashes[i]);
    let at = -1;
    let k = 0;
    for (let i = 0; i < count; i++) {
      this.#fill(client, nameAt(i));
      const size = memory.length(i);
      // What the cache knows becomes a reply where it stands.
      let length = cache.recall(hashes[i], queries, i * queryStep, size, client);
      const known = length !== 0;
      if (!known) {
        // Only who thinks about a reply looks at the clock.
        if (at < 0) at = this.#now();
        length = respond(memory.query[i], size, memory.out[k], client, at);
      }
      // To port 0 nothing can be sent, whatever the responder says.
      if (length !== 0 && client.port !== 0) memory.reply(k++, i, length, known);
    }
    if (k > 0) this.#send(fd, k);
    memory.rearm(count);
    return count;
  }

  // A reply that the kernel does not take is counted and left behind; the others go.
  #send(fd: number, replies: number): void {
    const { outgoing } = this.#memory;
    for (let sent = 0; sent < replies; ) {
      const n = this.#libc.sendmmsg(fd, outgoing + sent * MMSGHDR.size, replies - sent, MSG_DONTWAIT);
      if (n < 0) this.#counters[NET.net_udp_send]++;
      sent += n > 0 ? n : 1;
    }
  }

  #fill(client: Client, at: number): void {
    const { names } = this.#memory;
    const { address } = client;
    client.port = (names[at + SOCKADDR.port] << 8) | names[at + SOCKADDR.port + 1];
    const four = names[at + SOCKADDR.family] === AF.INET;
    client.family = four ? 4 : 6;
    const from = at + (four ? SOCKADDR.in.address : SOCKADDR.in6.address);
    const length = four ? 4 : 16;
    for (let i = 0; i < length; i++) address[i] = names[from + i];
  }
}
