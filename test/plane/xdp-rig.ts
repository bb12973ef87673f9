// A forwarder without a kernel: rings in ordinary memory, whose other side is played by the test.
import { seeded } from '../../src/kit/rng.ts';
import { Director } from '../../src/lvs/director.ts';
import { Xsk } from '../../src/nic/afxdp.ts';
import type { Libc } from '../../src/nic/libc.ts';
import type { RingPlace } from '../../src/nic/ring.ts';
import { HEADROOM, mapUmem, Umem, unmapUmem } from '../../src/nic/umem.ts';
import { frameBlock } from '../../src/plane/xdp/counters.ts';
import { Forwarder } from '../../src/plane/xdp/forwarder.ts';
import { Inbox, makeInbox, Outbox } from '../../src/plane/xdp/inbox.ts';
import { Owners } from '../../src/plane/xdp/owner.ts';
import type { Ways } from '../../src/plane/xdp/ways.ts';

const FRAMES = 2048;
const SIZE = 512;
/** Where entries begin in a ring's memory; indexes and flags stand in front. */
const ENTRIES = 256;

interface Fake {
  place: RingPlace;
  producer: Int32Array;
  consumer: Int32Array;
  flags: Int32Array;
  entries: Int32Array;
}

/** The kernel's side of a socket. */
export class FakeSocket {
  readonly rx: Fake;
  readonly tx: Fake;
  readonly fill: Fake;
  readonly completion: Fake;
  readonly xsk: Xsk;
  readonly #umem: Umem;

  constructor(libc: Libc, umem: Umem) {
    this.#umem = umem;
    [this.rx, this.tx, this.fill, this.completion] = [4, 4, 2, 2].map(words => ring(libc, words)) as [
      Fake,
      Fake,
      Fake,
      Fake,
    ];
    const { rx, tx, fill, completion } = this;
    const place = {
      fd: -1,
      zeroCopy: false,
      rx: rx.place,
      tx: tx.place,
      fill: fill.place,
      completion: completion.place,
    };
    this.xsk = new Xsk(libc, umem, place);
  }

  /** A frame comes in. False: nothing was there to take it. */
  receive(frame: Uint8Array): boolean {
    const { fill, rx } = this;
    if (fill.consumer[0] === fill.producer[0]) return false;
    const at = fill.entries[(fill.consumer[0]++ & (SIZE - 1)) * 2];
    this.#umem.bytes.set(frame, at + HEADROOM);
    const entry = (rx.producer[0]++ & (SIZE - 1)) * 4;
    rx.entries[entry] = at + HEADROOM;
    rx.entries[entry + 2] = frame.length;
    return true;
  }

  /** What was sent since the last call; its frames are given back. */
  sent(): Uint8Array[] {
    const { tx, completion } = this;
    const frames: Uint8Array[] = [];
    while (tx.consumer[0] !== tx.producer[0]) {
      const entry = (tx.consumer[0]++ & (SIZE - 1)) * 4;
      const at = tx.entries[entry];
      frames.push(this.#umem.bytes.slice(at, at + tx.entries[entry + 2]));
      completion.entries[(completion.producer[0]++ & (SIZE - 1)) * 2] = at;
    }
    return frames;
  }

  /** Frames in rings: to fill, received but not read, sent but not taken back. */
  get held(): number {
    const { fill, rx, completion } = this;
    return [fill, rx, completion].reduce((sum, r) => sum + ((r.producer[0] - r.consumer[0]) | 0), 0);
  }
}

function ring(libc: Libc, words: number): Fake {
  const length = ENTRIES + SIZE * words * 4;
  const address = libc.map(length, 3, 0x22, -1, 0);
  const memory = libc.view(address, length);
  return {
    place: { address, length, producer: 0, consumer: 64, flags: 128, entries: ENTRIES, size: SIZE, words },
    producer: new Int32Array(memory, 0, 1),
    consumer: new Int32Array(memory, 64, 1),
    flags: new Int32Array(memory, 128, 1),
    entries: new Int32Array(memory, ENTRIES, SIZE * words),
  };
}

/** 10/8 is behind port 1, all else behind port 0; `known` says which slots have a link address. */
export class FakeWays implements Ways {
  readonly headers = Uint8Array.from({ length: 32 }, (_, i) =>
    (i & 15) < 12 ? (i >> 4) * 16 + (i & 15) : 0,
  );
  readonly ports = Int32Array.of(0, 1);
  readonly known = [true, true];
  mtu = 1500;
  routes = 1;

  find(family: number, address: Int32Array, route: Parameters<Ways['find']>[2]): boolean {
    route.iface = address[0] >>> 24 === 10 ? 2 : 1;
    route.mtu = this.mtu;
    route.local = false;
    for (let i = 0; i < 4; i++) route.hop[i] = address[i];
    route.hopFamily = family;
    route.source[0] = 0x0a0000fe;
    return true;
  }
  hop(iface: number): number {
    return this.known[iface - 1] ? iface - 1 : -1;
  }
  slotOf(route: Parameters<Ways['slotOf']>[0]): number {
    return this.hop(route.iface);
  }
  generation(): number {
    return this.routes;
  }
}

export interface Rig {
  director: Director;
  ways: FakeWays;
  sockets: FakeSocket[];
  forwarder: Forwarder;
  counters: Float64Array;
  umem: Umem;
  owners: Owners;
  /** What the worker hands over to worker 1, where there are two. */
  peer: { writer: Outbox; reader: Inbox } | undefined;
  /** What was written to the TUN device: lengths. */
  tun: number[];
  /** Frames that nobody has any more. */
  lost(): number;
  close(): void;
}

export function makeRig(libc: Libc, workers = 1): Rig {
  const tun: number[] = [];
  const fake: Libc = {
    ...libc,
    send: () => 0,
    write: (_fd, _at, length) => tun.push(length) && length,
  };
  const place = mapUmem(libc, FRAMES, 2048);
  const umem = new Umem(fake, place);
  const ways = new FakeWays();
  const sockets = [new FakeSocket(fake, umem), new FakeSocket(fake, umem)];
  const director = new Director({
    capacity: 10_000,
    routes: ways,
    rng: seeded(1),
    localAddresses: ['10.0.0.254'],
  });
  const counters = frameBlock();
  const owners = new Owners(workers);
  const inbox = makeInbox(2048);
  const peer = workers > 1 ? { writer: new Outbox(inbox), reader: new Inbox(inbox) } : undefined;
  const forwarder = new Forwarder({
    libc: fake,
    umem,
    director,
    ways,
    sockets: sockets.map((s, port) => ({ xsk: s.xsk, port })),
    senders: sockets.map(s => s.xsk),
    tun: 9,
    index: 0,
    owners,
    inboxes: [],
    outboxes: peer === undefined ? [undefined] : [undefined, peer.writer],
    counters,
  });
  forwarder.flush();
  return {
    director,
    ways,
    sockets,
    forwarder,
    counters,
    umem,
    owners,
    peer,
    tun,
    lost: () => FRAMES - umem.free - sockets.reduce((n, s) => n + s.held, 0),
    close: () => {
      for (const s of sockets)
        for (const { place } of [s.rx, s.tx, s.fill, s.completion]) libc.unmap(place.address, place.length);
      unmapUmem(libc, place);
    },
  };
}
