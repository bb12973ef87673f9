// AF_XDP sockets (Documentation/networking/af_xdp.rst): one for each queue of an interface, four rings each.
//   main thread: openXsk → XskPlace (descriptor, addresses) → closeXsk        worker: new Xsk(place) → receive, send, flush
//   frame: free → fill ring → kernel → rx ring → worker → tx ring → kernel → completion ring → free
// Invariant: the main thread owns descriptors and maps and gives them back after the worker has ended; the worker owns the rings.
import { close } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { GtmError } from '../kit/errors.ts';
import { Depth } from './depth.ts';
import { AF, MSG_DONTWAIT, SOCK_RAW } from './layout.ts';
import type { Libc } from './libc.ts';
import { Ring, type RingPlace, standingIn } from './ring.ts';
import type { Umem, UmemPlace } from './umem.ts';

export interface XskOptions {
  umem: UmemPlace;
  /** A socket that the memory is shared with; none: this is the first of its memory. */
  shared: number | undefined;
  interfaceIndex: number;
  queue: number;
  /** Entries of each ring, a power of two. */
  ring: number;
  /** auto: without copies where the driver can. Taken from the first socket by those that share. */
  copy: 'auto' | 'always';
}

/** Told to the worker. */
export interface XskPlace {
  fd: number;
  /** The driver takes and gives the frames themselves; else the kernel copies each. */
  zeroCopy: boolean;
  rx: RingPlace;
  tx: RingPlace;
  fill: RingPlace;
  completion: RingPlace;
}

/** The kernel's counts of a socket. */
export interface XskStatistics {
  /** No frame in the fill ring or no room: the worker is too slow. */
  dropped: number;
  invalid: number;
  full: number;
  starved: number;
}

const SOL_XDP = 283;
const OPT = {
  MMAP_OFFSETS: 1,
  RX_RING: 2,
  TX_RING: 3,
  UMEM_REG: 4,
  FILL_RING: 5,
  COMPLETION_RING: 6,
  STATISTICS: 7,
  OPTIONS: 8,
  TX_BUDGET: 9,
} as const;
const PAGE = { rx: 0, tx: 0x80000000, fill: 0x100000000, completion: 0x180000000 } as const;
const BIND = { SHARED: 1, COPY: 2, NEED_WAKEUP: 8 } as const;
const ZERO_COPY = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
const DESCRIPTOR_WORDS = 4;
const ADDRESS_WORDS = 2;
/** Frames that one wake-up sends in copy mode, where the kernel lets us say it (6.17). */
const TX_BUDGET = 256;
/** Wake-ups for one batch where the kernel copies: it sends at least 32 frames each. Without copies the driver sends by itself once woken. */
const KICKS = 16;
/** Frames that are given to the kernel, or taken back, at one time: the fewest. */
const SOME = 32;
/** Frames that lie ready for a kernel that copies: the fewest. One round of its softirq brings up to 300 (netdev_budget). */
const READY = 512;
/** XDP_UMEM_REG's headroom: 2 octets behind the kernel's own 256 (umem.ts). */
const ALIGN = 2;
/** The kernel gives a queue back a moment after its socket was closed (xp_release_deferred): pauses, milliseconds. */
const AGAIN = { step: 20, times: 100 } as const;

/** Opens the socket of a queue; one that was closed just now is waited for. Rejects with GTM_AFXDP and what to do. */
export async function openXsk(libc: Libc, options: XskOptions): Promise<XskPlace> {
  for (let i = 0; ; i++) {
    try {
      return open(libc, options);
    } catch (e) {
      const code = codeOf(e);
      if (code === 'EBUSY' && i < AGAIN.times) {
        await setTimeout(AGAIN.step);
        continue;
      }
      const what = REMEDY[code ?? ''] ?? 'no AF_XDP socket can be had';
      throw new GtmError('GTM_AFXDP', `queue ${options.queue}: ${what}`, e);
    }
  }
}

// Of a failed system call.
function codeOf(e: unknown): string | undefined {
  return ((e as GtmError).cause as { code?: string } | undefined)?.code;
}

function open(libc: Libc, options: XskOptions): XskPlace {
  const { umem, shared, interfaceIndex, queue, ring: size } = options;
  const fd = libc.socket(AF.XDP, SOCK_RAW, 0);
  const maps: RingPlace[] = [];
  try {
    if (shared === undefined) {
      const register = new Uint8Array(32);
      const view = new DataView(register.buffer);
      view.setBigUint64(0, BigInt(umem.address), true);
      view.setBigUint64(8, BigInt(umem.frames * umem.frameSize), true);
      view.setUint32(16, umem.frameSize, true);
      view.setUint32(20, ALIGN, true);
      libc.setOptionBytes(fd, SOL_XDP, OPT.UMEM_REG, register);
    }
    for (const ring of [OPT.FILL_RING, OPT.COMPLETION_RING, OPT.RX_RING, OPT.TX_RING])
      libc.setOption(fd, SOL_XDP, ring, size);
    try {
      libc.setOption(fd, SOL_XDP, OPT.TX_BUDGET, TX_BUDGET);
    } catch {
      // An older kernel: it sends 32 at a time.
    }
    const offsets = new Uint8Array(128);
    libc.getOptionBytes(fd, SOL_XDP, OPT.MMAP_OFFSETS, offsets);
    const place = (index: number, page: number, words: number): RingPlace => {
      const at = (field: number) =>
        Number(new DataView(offsets.buffer).getBigUint64(index * 32 + field * 8, true));
      const length = at(2) + size * words * 4;
      const address = libc.map(length, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, page);
      const made = {
        address,
        length,
        producer: at(0),
        consumer: at(1),
        entries: at(2),
        flags: at(3),
        size,
        words,
      };
      maps.push(made);
      return made;
    };
    const rx = place(0, PAGE.rx, DESCRIPTOR_WORDS);
    const tx = place(1, PAGE.tx, DESCRIPTOR_WORDS);
    const fill = place(2, PAGE.fill, ADDRESS_WORDS);
    const completion = place(3, PAGE.completion, ADDRESS_WORDS);
    const name = new Uint8Array(16);
    const view = new DataView(name.buffer);
    view.setUint16(0, AF.XDP, true);
    // Sockets that share take the mode of the first.
    const mode = BIND.NEED_WAKEUP | (options.copy === 'always' ? BIND.COPY : 0);
    view.setUint16(2, shared === undefined ? mode : BIND.SHARED, true);
    view.setUint32(4, interfaceIndex, true);
    view.setUint32(8, queue, true);
    view.setUint32(12, shared ?? 0, true);
    libc.bind(fd, name);
    return { fd, zeroCopy: isZeroCopy(libc, fd), rx, tx, fill, completion };
  } catch (e) {
    for (const { address, length } of maps) libc.unmap(address, length);
    libc.close(fd);
    throw e;
  }
}

const REMEDY: Readonly<Record<string, string>> = {
  EBUSY: 'another program (or another director) has this queue: stop it',
  EPERM: 'CAP_NET_RAW is needed, and CAP_IPC_LOCK or a larger RLIMIT_MEMLOCK (LimitMEMLOCK=infinity)',
  ENOBUFS: 'locked memory is too small: raise RLIMIT_MEMLOCK (LimitMEMLOCK=infinity)',
  EAFNOSUPPORT: 'the kernel has no AF_XDP (CONFIG_XDP_SOCKETS)',
  EINVAL: 'the interface has no such queue, or the driver cannot',
};

/** Ends a socket: the program's map forgets it, the kernel gives back its frames. */
export function closeXsk(libc: Libc, xsk: XskPlace): void {
  for (const { address, length } of [xsk.rx, xsk.tx, xsk.fill, xsk.completion]) libc.unmap(address, length);
  libc.close(xsk.fd);
}

/** closeXsk(), while the caller goes on: the kernel waits for every processor before it lets a queue go. */
export function closingXsk(libc: Libc, xsk: XskPlace): Promise<void> {
  for (const { address, length } of [xsk.rx, xsk.tx, xsk.fill, xsk.completion]) libc.unmap(address, length);
  return new Promise(resolve => close(xsk.fd, () => resolve()));
}

function isZeroCopy(libc: Libc, fd: number): boolean {
  const value = new Uint32Array(1);
  libc.getOptionBytes(fd, SOL_XDP, OPT.OPTIONS, new Uint8Array(value.buffer));
  return (value[0] & ZERO_COPY) !== 0;
}

export function readStatistics(libc: Libc, fd: number): XskStatistics {
  const v = new BigUint64Array(6);
  libc.getOptionBytes(fd, SOL_XDP, OPT.STATISTICS, new Uint8Array(v.buffer));
  const [dropped, invalidRx, invalidTx, full, starved] = Array.from(v, Number);
  return { dropped, invalid: invalidRx + invalidTx, full, starved };
}

/** Where the frames of a socket stand, as its rings are now; those that a driver or the worker has in hand are in none. */
export interface Standing {
  /** For the kernel to receive into. */
  fill: number;
  /** For the worker to take. */
  received: number;
  /** For the kernel to send. */
  unsent: number;
  /** For the worker to take back. */
  sent: number;
}

export function standingOf(libc: Libc, place: XskPlace): Standing {
  return {
    fill: standingIn(libc, place.fill),
    received: standingIn(libc, place.rx),
    unsent: standingIn(libc, place.tx),
    sent: standingIn(libc, place.completion),
  };
}

/** The worker's side of a socket. Nothing here allocates. */
export class Xsk {
  readonly fd: number;
  /** Consumed by the worker: at `(index & mask) * 4` the frame's address, at `+ 2` its length. */
  readonly rx: Ring;
  readonly #tx: Ring;
  readonly #fill: Ring;
  readonly #completion: Ring;
  readonly #umem: Umem;
  readonly #libc: Libc;
  readonly #driven: boolean;
  readonly #kicks: number;
  readonly #depth: Depth;
  #room = 0;
  #queued = 0;
  /** Whether frames wait for the kernel to send them. */
  unsent = false;
  /** The rx ring's index up to which the kernel was given a frame for each that came. */
  #filled: number;

  constructor(libc: Libc, umem: Umem, place: XskPlace) {
    this.fd = place.fd;
    this.#driven = place.zeroCopy;
    this.#kicks = place.zeroCopy ? 1 : KICKS;
    this.#libc = libc;
    this.#umem = umem;
    this.rx = new Ring(libc, place.rx);
    this.#tx = new Ring(libc, place.tx);
    this.#fill = new Ring(libc, place.fill);
    this.#completion = new Ring(libc, place.completion);
    this.#filled = -place.fill.size;
    const { size } = place.fill;
    // A driver that takes them itself lays them up on its own ring.
    this.#depth = new Depth(place.zeroCopy ? size : Math.min(READY, size), size);
  }

  /** Gives the kernel free frames to receive into, once a good number of them came: its index is far away, on another processor. */
  refill(): void {
    if (((this.rx.index - this.#filled) | 0) < SOME) return;
    const ring = this.#fill;
    const umem = this.#umem;
    const left = ring.size - ring.room();
    const depth = this.#depth;
    depth.see(left);
    const wanted = left < depth.value ? depth.value - left : 0;
    let n = wanted < umem.free ? wanted : umem.free;
    this.#filled = (this.rx.index - (wanted - n)) | 0;
    const { entries, mask } = ring;
    let { index } = ring;
    for (; n > 0; n--) {
      const at = (index & mask) << 1;
      entries[at] = umem.take();
      entries[at + 1] = 0;
      index = (index + 1) | 0;
    }
    ring.index = index;
    ring.publish();
  }

  /** Takes back the frames that were sent, once there are a good number of them. */
  reclaim(): void {
    const ring = this.#completion;
    if (((this.#tx.index - ring.index) | 0) < SOME) return;
    let n = ring.waiting();
    if (n < SOME) return;
    const umem = this.#umem;
    const { entries, mask } = ring;
    let { index } = ring;
    for (; n > 0; n--) {
      umem.put(entries[(index & mask) << 1]);
      index = (index + 1) | 0;
    }
    ring.index = index;
    ring.release();
  }

  /** Puts a frame in line, to leave at the next flush. False: there is no room, and the frame is still the caller's. */
  send(address: number, length: number): boolean {
    const tx = this.#tx;
    if (this.#room === 0) {
      this.#room = tx.room();
      if (this.#room === 0) {
        this.flush();
        this.reclaim();
        this.#room = tx.room();
        if (this.#room === 0) return false;
      }
    }
    this.#room--;
    const { entries } = tx;
    const at = (tx.index & tx.mask) << 2;
    entries[at] = address;
    entries[at + 1] = 0;
    entries[at + 2] = length;
    entries[at + 3] = 0;
    tx.index = (tx.index + 1) | 0;
    this.#queued++;
    return true;
  }

  /** Lets what stands in line go, and wakes the kernel for it. What it does not take now goes with the next flush. */
  flush(): void {
    if (this.#queued === 0 && !this.unsent) return;
    const tx = this.#tx;
    if (this.#queued > 0) {
      this.#queued = 0;
      this.#room = 0;
      tx.publish();
    }
    let waiting = tx.pending();
    for (let i = 0; waiting > 0 && i < this.#kicks && tx.sleeps(); i++) {
      // EAGAIN: it has sent as many as one call may, or there was no room.
      this.#libc.send(this.fd, 0, 0, MSG_DONTWAIT);
      const before = waiting;
      waiting = tx.pending();
      if (waiting === before) break;
    }
    this.unsent = waiting > 0;
  }

  /** Whether a driver without copies waits for a call (poll) to take from the fill ring. A kernel that copies never does, and writes beside that word with every frame. */
  get asleep(): boolean {
    return this.#driven && this.#fill.sleeps();
  }
}
