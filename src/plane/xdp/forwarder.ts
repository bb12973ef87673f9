// The packet loop of a forward worker: one turn takes a batch from every socket, asks the director, and sends.
//   rx · inboxes → owner → director.handle ─transmit, reply→ link header → tx of the port │ wait for the hop
//                                          ├host→ TUN device ─→ the host's stack
//                                          └drop→ free
// Invariant: a frame is in one place at a time; a turn allocates nothing but for fragments and packets put together.
import type { Director } from '../../lvs/director.ts';
import { fragment } from '../../lvs/packet/fragment.ts';
import { DROP, HOST } from '../../lvs/verdict.ts';
import type { Xsk } from '../../nic/afxdp.ts';
import type { Umem } from '../../nic/umem.ts';
import { HEADROOM } from '../../nic/umem.ts';
import { FRAME, FRAME_SLOTS } from './counters.ts';
import type { Inbox } from './inbox.ts';
import type { Outfit, Socket } from './outfit.ts';
import { Waiting } from './waiting.ts';
import { HEADER, type Ways } from './ways.ts';

/** Frames taken from a socket in one turn. */
const BATCH = 64;
/** Frames of turns after which sockets are asked for those that were sent, and given new ones. */
const SOME = 32;
const ETHERNET = 14;
const TAG = 4;
/** The largest packet: what fragments may make. */
const LARGEST = 65_535 + 64;

export class Forwarder {
  readonly #o: Outfit;
  readonly #director: Director;
  readonly #ways: Ways;
  readonly #umem: Umem;
  readonly #sockets: readonly Socket[];
  readonly #senders: readonly Xsk[];
  readonly #inboxes: readonly Inbox[];
  readonly #bytes: Uint8Array;
  /** The same frames, and the link headers, two octets at a time. */
  readonly #halves: Uint16Array;
  readonly #heads: Uint16Array;
  readonly #waiting = new Waiting();
  readonly #alone: boolean;
  readonly #host = new Uint8Array(new ArrayBuffer(LARGEST));
  readonly #hostAt: number;
  readonly #piece = new Uint8Array(LARGEST);
  readonly #offsets = new Int32Array(BATCH);
  readonly #tags = new Uint8Array(2 * TAG);
  readonly #counts = new Float64Array(FRAME_SLOTS);
  #asleep = false;
  #since: number = SOME;
  #tagged = 0;
  #port = 0;
  #now = -1;
  #generation = -1;
  #fragments = 1;
  #pieceSlot = 0;
  // Bound once: nothing is made for a packet.
  readonly #emit: (length: number) => void;
  readonly #find: (iface: number, family: number, hop: Int32Array) => number;
  readonly #late: (slot: number, address: number, length: number, family: number) => void;
  readonly #giveUp: (address: number) => void;

  constructor(options: Outfit) {
    this.#o = options;
    const { director, umem, ways, libc, sockets, senders, inboxes } = options;
    this.#director = director;
    this.#ways = ways;
    this.#umem = umem;
    this.#sockets = sockets;
    this.#senders = senders;
    this.#inboxes = inboxes;
    this.#bytes = umem.bytes;
    this.#halves = halvesOf(umem.bytes);
    this.#heads = halvesOf(ways.headers);
    this.#alone = options.outboxes.length <= 1;
    this.#hostAt = libc.address(this.#host.buffer);
    this.#emit = length => this.#sendCopy(this.#piece, 0, length, this.#pieceSlot);
    this.#find = (iface, family, hop) => ways.hop(iface, family, hop);
    this.#late = (slot, address, length) => {
      this.#tagged = 0;
      this.#send(address, length, slot);
    };
    this.#giveUp = address => {
      umem.put(address);
      this.#counts[FRAME.unresolved]++;
    };
  }

  /** One turn at `now` (monotonic milliseconds): how many frames were there. */
  turn(now: number): number {
    const sockets = this.#sockets;
    const inboxes = this.#inboxes;
    if (now !== this.#now) {
      this.#now = now;
      const generation = this.#ways.generation();
      if (generation !== this.#generation) {
        this.#generation = generation;
        this.#director.routesChanged();
      }
    }
    let work = 0;
    for (let i = 0; i < sockets.length; i++) work += this.#receive(sockets[i]);
    for (let i = 0; i < inboxes.length; i++) work += this.#fetch(inboxes[i]);
    if (this.#waiting.count > 0) this.#waiting.retry(now, this.#find, this.#late, this.#giveUp);
    // In vain: there is time, and what is missing may be a frame to receive into.
    this.#since = work === 0 ? SOME : this.#since + work;
    return work;
  }

  /** Sends what a turn left, and once in a while gives frames back and asks the kernel for more. True: some could not go yet. */
  flush(): boolean {
    const sockets = this.#sockets;
    const senders = this.#senders;
    let left = false;
    this.#asleep = false;
    for (let i = 0; i < senders.length; i++) {
      const xsk = senders[i];
      xsk.flush();
      left ||= xsk.unsent;
    }
    // After a system call each object, and each ring's page, costs a look-up of its address: most turns are of one frame.
    if (this.#since < SOME) return left;
    this.#since = 0;
    for (let i = 0; i < sockets.length; i++) {
      const { xsk } = sockets[i];
      xsk.reclaim();
      xsk.refill();
      this.#asleep ||= xsk.asleep;
    }
    return left;
  }

  /** Whether a turn would find a frame: a look that costs little. */
  due(): boolean {
    const sockets = this.#sockets;
    const inboxes = this.#inboxes;
    for (let i = 0; i < sockets.length; i++) if (sockets[i].xsk.rx.waiting() > 0) return true;
    for (let i = 0; i < inboxes.length; i++) if (inboxes[i].waiting() > 0) return true;
    return false;
  }

  /** Whether a driver (without copies) was found to have run out of frames: it takes new ones only when it is called. */
  get asleep(): boolean {
    return this.#asleep;
  }

  /** Whether frames wait for a next hop. */
  get waits(): boolean {
    return this.#waiting.count > 0;
  }

  /** Adds what was counted since the last call to the shared counters. */
  count(): void {
    for (let i = 0; i < FRAME_SLOTS; i++) {
      this.#o.counters[i] += this.#counts[i];
      this.#counts[i] = 0;
    }
    this.#o.counters[FRAME.free] = this.#umem.free;
  }

  #receive({ xsk, port }: Socket): number {
    const { rx } = xsk;
    let n = rx.waiting();
    if (n <= 0) return 0;
    if (n > BATCH) n = BATCH;
    const { entries, mask } = rx;
    let { index } = rx;
    // With a lone frame there is nothing to overlap.
    if (n > 1) {
      for (let i = 0; i < n; i++) this.#offsets[i] = entries[((index + i) & mask) << 2] + ETHERNET;
      this.#director.lookAhead(this.#bytes, this.#offsets, n);
    }
    for (let i = 0; i < n; i++) {
      const at = (index & mask) << 2;
      this.#frame(entries[at], entries[at + 2], port, this.#alone);
      index = (index + 1) | 0;
    }
    rx.index = index;
    rx.release();
    this.#counts[FRAME.received] += n;
    return n;
  }

  #fetch(inbox: Inbox): number {
    const umem = this.#umem;
    let n = inbox.waiting();
    if (n > BATCH) n = BATCH;
    for (let i = 0; i < n; i++) {
      const frame = umem.take();
      if (frame < 0) return i;
      inbox.take(this.#bytes, frame + HEADROOM);
      this.#frame(frame + HEADROOM, inbox.length, inbox.port, true);
    }
    return n;
  }

  // The frame at `address` of the memory: it leaves, waits, or is free afterwards. `mine`: nobody else owns it.
  #frame(address: number, length: number, port: number, mine: boolean): void {
    const bytes = this.#bytes;
    let at = address + 12;
    let type = (bytes[at] << 8) | bytes[at + 1];
    this.#tagged = 0;
    this.#port = port;
    while ((type === 0x8100 || type === 0x88a8) && this.#tagged < 2 * TAG) {
      for (let i = 0; i < TAG; i++) this.#tags[this.#tagged + i] = bytes[at + i];
      this.#tagged += TAG;
      at += TAG;
      type = (bytes[at] << 8) | bytes[at + 1];
    }
    at += 2;
    const size = address + length - at;
    if (!mine && this.#handOver(address, length, at, size, port)) return;
    const umem = this.#umem;
    const verdict = this.#director.handle(bytes, at, size, this.#now);
    if (verdict === DROP) {
      umem.put(address);
      this.#counts[FRAME.dropped]++;
    } else if (verdict === HOST) {
      this.#toHost();
      umem.put(address);
    } else this.#leave(address);
  }

  #handOver(address: number, length: number, at: number, size: number, port: number): boolean {
    const { owners, index, outboxes } = this.#o;
    const owner = owners.of(this.#bytes, at, size);
    if (owner < 0 || owner === index) return false;
    const there = outboxes[owner]?.put(this.#bytes, address, length, port) === true;
    this.#counts[there ? FRAME.handed : FRAME.crowded]++;
    this.#umem.put(address);
    return true;
  }

  #toHost(): void {
    const { libc, tun } = this.#o;
    const { out } = this.#director;
    let from = this.#umem.address + out.offset;
    if (out.frame !== this.#bytes) {
      this.#host.set(out.frame.subarray(out.offset, out.offset + out.length));
      from = this.#hostAt;
    }
    const taken = tun >= 0 && libc.write(tun, from, out.length) === out.length;
    this.#counts[taken ? FRAME.host : FRAME.lost]++;
  }

  // What `out` describes leaves: in the frame that it came in, or in others if it is longer or the director's own.
  #leave(address: number): void {
    const umem = this.#umem;
    const { out } = this.#director;
    const own = out.frame === this.#bytes;
    const slot = this.#ways.slotOf(out.route);
    if (out.fragment > 0) {
      this.#cut(slot);
      umem.put(address);
    } else if (own) {
      if (slot >= 0) this.#send(out.offset, out.length, slot);
      else this.#park(out.offset, out.length);
    } else {
      if (slot >= 0) this.#sendCopy(out.frame, out.offset, out.length, slot);
      else this.#counts[FRAME.unresolved]++;
      umem.put(address);
    }
  }

  #cut(slot: number): void {
    const { out } = this.#director;
    if (slot < 0) {
      this.#counts[FRAME.unresolved]++;
      return;
    }
    this.#pieceSlot = slot;
    this.#fragments = (this.#fragments + 1) | 0;
    if (!fragment(out.frame, out.offset, out.length, out.fragment, this.#fragments, this.#piece, this.#emit))
      this.#counts[FRAME.dropped]++;
  }

  #park(offset: number, length: number): void {
    const { iface, hopFamily, hop } = this.#director.out.route;
    if (this.#waiting.put(offset, length, iface, hopFamily, hop, this.#now)) return;
    this.#umem.put(offset);
    this.#counts[FRAME.unresolved]++;
  }

  #sendCopy(from: Uint8Array, offset: number, length: number, slot: number): void {
    const umem = this.#umem;
    const frame = umem.take();
    if (frame < 0 || length + HEADROOM + ETHERNET + 2 * TAG > umem.frameSize) {
      if (frame >= 0) umem.put(frame);
      this.#counts[FRAME.crowded]++;
      return;
    }
    const at = frame + HEADROOM + ETHERNET + TAG;
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) bytes[at + i] = from[offset + i];
    this.#send(at, length, slot);
  }

  // The packet at `offset` with the link header of `slot` in front; the tags that it came with stay if it leaves where it came in.
  #send(offset: number, length: number, slot: number): void {
    const ways = this.#ways;
    const bytes = this.#bytes;
    const { headers } = ways;
    const port = ways.ports[slot];
    const h = slot * HEADER;
    const four = bytes[offset] >> 4 === 4;
    bytes[offset - 2] = four ? 0x08 : 0x86;
    bytes[offset - 1] = four ? 0x00 : 0xdd;
    let at = offset - 2;
    if (headers[h + 12] !== 0 || headers[h + 13] !== 0) {
      at -= TAG;
      bytes[at] = 0x81;
      bytes[at + 1] = 0;
      bytes[at + 2] = headers[h + 12];
      bytes[at + 3] = headers[h + 13];
    } else if (this.#tagged > 0 && port === this.#port) {
      at -= this.#tagged;
      for (let i = 0; i < this.#tagged; i++) bytes[at + i] = this.#tags[i];
    }
    at -= 12;
    // IP headers are aligned, so link headers begin at an even octet, but for packets that were moved by an odd number.
    if ((at & 1) === 0) {
      const to = at >> 1;
      const from = h >> 1;
      const halves = this.#halves;
      const heads = this.#heads;
      for (let i = 0; i < 6; i++) halves[to + i] = heads[from + i];
    } else for (let i = 0; i < 12; i++) bytes[at + i] = headers[h + i];
    if (this.#senders[port].send(at, offset + length - at)) this.#counts[FRAME.sent]++;
    else {
      this.#umem.put(at);
      this.#counts[FRAME.crowded]++;
    }
  }
}

function halvesOf(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
}
