// The short way: what most packets are with DR, one of a client on an open connection that needs nothing but its server's MAC.
// pass() decides in one go what parse, the hooks, `in`, state and forward/dr come to for such a packet; all else it leaves to them.
// Invariant: it takes a packet only if the long way sends it on, and leaves behind what that does: bytes, counts, times, reason.
import { fold } from '../kit/checksum.ts';
import type { ConnTable } from './conn.ts';
import type { Core } from './core.ts';
import { countIn } from './count.ts';
import type { Hooks } from './hooks.ts';
import type { Life } from './life.ts';
import {
  CONFIRMED,
  DEST,
  EXPIRES,
  FLAGS,
  FORWARD_SHIFT,
  IS_UDP,
  QUEUE_SHIFT,
  STATE,
  TIMEOUT,
  V6,
  WORDS,
} from './line.ts';
import { ACK, FIN, halves, RST, SYN, TCP, UDP } from './packet/parse.ts';
import { hopTaken } from './packet/rewrite.ts';
import { type Dest, DR } from './service.ts';
import { ESTABLISHED } from './tcpstate.ts';
import { WHY } from './verdict.ts';
import { OWN, SERVER, type WordSet } from './wordset.ts';

const IPV4 = 20;
const IPV6 = 40;
/** The shortest headers of TCP and UDP. */
const TCP_SIZE = 20;
const UDP_SIZE = 8;
/** IPv4's fragment offset, and its bit that more will come. */
const FRAGMENT = 0x3fff;
/** Of a line's FLAGS: state, method and queue; DR's in no queue, whose state its next packet does not change. */
const METHOD = 3 << FORWARD_SHIFT;
const LOOKED_AT = STATE | METHOD | (3 << QUEUE_SHIFT) | CONFIRMED;
const OPEN_TCP = ESTABLISHED | (DR << FORWARD_SHIFT);
const OPEN_UDP = CONFIRMED | (DR << FORWARD_SHIFT);

export class Short {
  readonly #core: Core;
  readonly #hooks: Hooks;
  readonly #life: Life;
  readonly #table: ConnTable;
  readonly #dests: readonly Dest[];
  readonly #places: WordSet;

  constructor(core: Core, hooks: Hooks) {
    this.#core = core;
    this.#hooks = hooks;
    this.#life = core.life;
    this.#table = core.life.table;
    this.#dests = core.services.dests;
    this.#places = core.services.places;
  }

  /**
   * The packet at frame[at, at + length), `view` that of the frame: true if it leaves, as `out` says then (TRANSMIT).
   * False: nothing was done.
   */
  pass(frame: Uint8Array, view: DataView, at: number, length: number): boolean {
    const size = at + length > frame.length ? frame.length - at : length;
    if (size < IPV4 + UDP_SIZE) return false;
    const first = view.getInt32(at);
    return first >>> 24 === 0x45 ? this.#v4(frame, view, at, size, first) : this.#v6(frame, view, at, size);
  }

  #v4(frame: Uint8Array, view: DataView, at: number, size: number, first: number): boolean {
    const second = view.getInt32(at + 4);
    const third = view.getInt32(at + 8);
    const source = view.getInt32(at + 12);
    const destination = view.getInt32(at + 16);
    const total = first & 0xffff;
    if (total > size || (second & FRAGMENT) !== 0 || third >>> 24 <= 1) return false;
    const sum = halves(first) + halves(second) + halves(third) + halves(source) + halves(destination);
    if (fold(sum) !== 0xffff) return false;
    const kind = kindOf(frame, at + IPV4, total - IPV4, (third >>> 16) & 0xff);
    if (kind < 0) return false;
    const ports = view.getInt32(at + IPV4);
    const c = this.#table.find(kind, source, 0, 0, 0, destination, 0, 0, 0, ports);
    if (c === 0 || !this.#go(c, kind, source, 0, 0, 0, total)) return false;
    view.setInt32(at + 8, hopTaken(third));
    this.#show(frame, at, total, 4);
    return true;
  }

  #v6(frame: Uint8Array, view: DataView, at: number, size: number): boolean {
    if (frame[at] >> 4 !== 6 || size < IPV6 + UDP_SIZE) return false;
    const second = view.getInt32(at + 4);
    const total = IPV6 + (second >>> 16);
    if (total > size || (second & 0xff) <= 1) return false;
    const next = kindOf(frame, at + IPV6, total - IPV6, (second >>> 8) & 0xff);
    if (next < 0) return false;
    const kind = next | V6;
    const s0 = view.getInt32(at + 8);
    const s1 = view.getInt32(at + 12);
    const s2 = view.getInt32(at + 16);
    const s3 = view.getInt32(at + 20);
    const c = this.#table.find(
      kind,
      s0,
      s1,
      s2,
      s3,
      view.getInt32(at + 24),
      view.getInt32(at + 28),
      view.getInt32(at + 32),
      view.getInt32(at + 36),
      view.getInt32(at + IPV6),
    );
    if (c === 0 || !this.#go(c, kind, s0, s1, s2, s3, total)) return false;
    frame[at + 7]--;
    this.#show(frame, at, total, 6);
    return true;
  }

  // Whether connection `c` takes `bytes` from the source `s` the short way; if so they are counted, its time starts again and `out` has the hop.
  #go(c: number, kind: number, s0: number, s1: number, s2: number, s3: number, bytes: number): boolean {
    const core = this.#core;
    const life = this.#life;
    const { t } = this.#table;
    const base = c * WORDS;
    const udp = (kind & IS_UDP) !== 0;
    if ((t[base + FLAGS] & LOOKED_AT) !== (udp ? OPEN_UDP : OPEN_TCP)) return false;
    if (((t[base + EXPIRES] - life.now) | 0) <= 0) return false;
    const dest = this.#dests[t[base + DEST]];
    // A server that is in place has its service there, so that the packet is to this host.
    if (dest.at < 0 || dest.routed !== core.generation || !dest.reachable) return false;
    const { route } = dest;
    if (route.local || dest.pmtu !== 0 || bytes > route.mtu) return false;
    // What a server sends may be an answer.
    if ((this.#places.bits(s0, s1, s2, s3, 0) & (OWN | SERVER)) !== 0) return false;
    countIn(dest, bytes);
    const { service } = dest;
    t[base + TIMEOUT] = udp ? service.udpTimeout : service.timeouts[ESTABLISHED];
    life.touch(c);
    const { out } = core;
    // A reference is not stored again for nothing: the collector's barrier has its price.
    if (out.route !== route) out.route = route;
    return true;
  }

  #show(frame: Uint8Array, at: number, length: number, family: number): void {
    const { out } = this.#core;
    if (out.frame !== frame) out.frame = frame;
    out.offset = at;
    out.length = length;
    out.family = family;
    out.fragment = 0;
    out.changed = false;
    out.reason = WHY['forwarded'];
    this.#hooks.sent(out.reason);
  }
}

// 0 or IS_UDP for a transport header of `size` bytes at `at` that is whole, and of TCP an ACK that ends and begins nothing; else -1.
function kindOf(frame: Uint8Array, at: number, size: number, protocol: number): number {
  if (protocol === UDP) return size < UDP_SIZE ? -1 : IS_UDP;
  if (protocol !== TCP || size < TCP_SIZE) return -1;
  return (frame[at + 13] & (FIN | SYN | RST | ACK)) === ACK ? 0 : -1;
}
