// The life of a connection (ip_vs_conn.c): opened and charged to its server, kept by packets, ended by time, by the removal of
// its server, or by eviction when the table is full: half-open ones first, then closing ones, each oldest first; open ones never.
// Where half-open ones are few (FEW), no flood has filled the table: then closing ones go first, or each new client would push out the
// last; and in a flood, who answers late would be pushed out before that.
// Both directions share one line, so they end together. A template stays while connections that it controls live (60 s at a time).
import type { Memory } from '../kit/memory.ts';
import { Wheel, wheelMemory } from '../kit/wheel.ts';
import { ConnTable, tableMemory } from './conn.ts';
import * as conn from './line.ts';
import { WORDS } from './line.ts';
import { type Packet, UDP } from './packet/parse.ts';
import { type Dest, FULLNAT, NAT } from './service.ts';
import type { Services } from './services.ts';
import * as tcp from './tcpstate.ts';

/** Half-open ones are few below this part of the table, as a shift: half. In a flood each lasts as long as it takes to fill so much. */
const FEW = 1;

/** A controlling template whose time has come stays so much longer (ms). */
const HELD = 60_000;

/** Bytes that a table of so many connections asks its Memory for, with some for what each piece is rounded up to. */
export function memoryOf(capacity: number): number {
  return tableMemory(capacity) + wheelMemory(capacity + 1) + 8 * 64;
}

export class Life {
  readonly table: ConnTable;
  readonly wheel: Wheel;
  /** ms modulo 2³² of the packet or tick that is at work. */
  now = 0;
  /** tcpstate.ts's SECURE while secure_tcp is on, else 0. */
  secure = 0;
  /** Ended to make room: half-open ones, and closing ones. */
  evictedHalfOpen = 0;
  evictedClosing = 0;
  expired = 0;
  readonly #services: Services;

  constructor(capacity: number, seed: number, now: number, services: Services, memory: Memory) {
    this.#services = services;
    this.table = new ConnTable(capacity, seed, services.dests, services.locals, memory);
    this.now = now | 0;
    this.wheel = new Wheel(capacity + 1, now, id => this.#due(id), memory);
  }

  destOf(c: number): Dest {
    return this.#services.dests[this.table.t[c * WORDS + conn.DEST]];
  }

  /** `c` if it lives still; one whose time is up but which the wheel has not come to ends here, and gives 0. */
  alive(c: number): number {
    if (c === 0 || ((this.table.t[c * WORDS + conn.EXPIRES] - this.now) | 0) > 0) return c;
    this.#due(c);
    return this.table.inUse(c) ? c : 0;
  }

  /**
   * A new connection of `p`'s client to `dest`, charged as inactive; 0 = the table is full. `flags` are conn.ts's (TEMPLATE,
   * ONE_PACKET). The caller fills FullNAT's words, and then calls enter().
   */
  open(p: Packet, dest: Dest, dport: number, flags: number): number {
    const { table } = this;
    let c = flags & conn.ONE_PACKET ? table.spare : table.take();
    if (c === 0) {
      if (!this.#evict()) return 0;
      c = table.take();
    }
    const { t } = table;
    const base = c * WORDS;
    t[base] = p.s0;
    t[base + 1] = p.s1;
    t[base + 2] = p.s2;
    t[base + 3] = p.s3;
    t[base + conn.CPORTS] = (p.sport << 16) | p.dport;
    t[base + conn.DPORTS] = dport << 16;
    t[base + conn.DEST] = dest.index;
    t[base + conn.TIMEOUT] = tcp.NEW_TIMEOUT;
    t[base + conn.EXPIRES] = this.now + tcp.NEW_TIMEOUT;
    t[base + conn.CONTROL] = 0;
    t[base + conn.CONTROLS] = 0;
    const kind = (p.family === 6 ? conn.V6 : 0) | (p.protocol === UDP ? conn.IS_UDP : 0);
    const oneWay = dest.forward === NAT || dest.forward === FULLNAT ? 0 : conn.NOOUTPUT;
    t[base + conn.FLAGS] = kind | flags | oneWay | conn.INACTIVE | (dest.forward << conn.FORWARD_SHIFT);
    if (flags & conn.TEMPLATE) dest.persistent++;
    else dest.charge(0, 1);
    return c;
  }

  /** Makes an opened connection findable and sets its timer going. */
  enter(c: number): void {
    const { t } = this.table;
    this.table.chain(c);
    this.wheel.set(c, t[c * WORDS + conn.EXPIRES]);
    if ((t[c * WORDS + conn.FLAGS] & conn.TEMPLATE) === 0) this.table.queues.move(c, conn.HALF_OPEN);
  }

  /** A connection that was entered with its state as it was elsewhere: counted and queued by it. */
  resume(c: number, dest: Dest, active: boolean): void {
    const { t } = this.table;
    const flags = t[c * WORDS + conn.FLAGS];
    if (flags & conn.TEMPLATE) return;
    if (active) {
      t[c * WORDS + conn.FLAGS] &= ~conn.INACTIVE;
      dest.charge(1, -1);
    }
    if ((flags & conn.IS_UDP) === 0) this.table.queues.move(c, queueOf(flags & conn.STATE));
    else if (flags & conn.CONFIRMED) this.table.queues.move(c, 0);
  }

  /** Gives back a connection that was opened and not entered. */
  abandon(c: number, dest: Dest): void {
    if (this.table.t[c * WORDS + conn.FLAGS] & conn.TEMPLATE) dest.persistent--;
    else dest.charge(0, -1);
    if (c !== this.table.spare) this.table.drop(c);
  }

  /** Puts a connection under a template. */
  control(c: number, template: number): void {
    const { t } = this.table;
    t[c * WORDS + conn.CONTROL] = template;
    t[template * WORDS + conn.CONTROLS]++;
  }

  /** Sets the state after a packet of `direction` (INPUT, OUTPUT), and the time-out that goes with it. */
  step(c: number, p: Packet, direction: number, dest: Dest): void {
    const { t } = this.table;
    const base = c * WORDS;
    const flags = t[base + conn.FLAGS];
    const { service } = dest;
    if (flags & conn.IS_UDP) {
      t[base + conn.TIMEOUT] = service.udpTimeout;
      if (direction === tcp.OUTPUT) this.#assure(c);
      if ((flags & conn.ONE_PACKET) === 0) {
        if (direction === tcp.OUTPUT || flags & conn.CONFIRMED) this.table.queues.move(c, 0);
        t[base + conn.FLAGS] |= conn.CONFIRMED;
      }
      return;
    }
    let table = direction;
    if (flags & conn.NOOUTPUT) {
      if (direction === tcp.OUTPUT) t[base + conn.FLAGS] &= ~conn.NOOUTPUT;
      else table = tcp.ONLY;
    }
    const state = flags & conn.STATE;
    const next = tcp.nextState(table + this.secure, p.tcpFlags, state);
    t[base + conn.TIMEOUT] = service.timeouts[next];
    // A server's ACK alone may be about an older connection of the same port: who is there has sent something more than a SYN.
    const half = ((flags >>> conn.QUEUE_SHIFT) & 3) === conn.HALF_OPEN;
    if (next === state) {
      if (half && next === tcp.ESTABLISHED && direction === tcp.INPUT) this.table.queues.move(c, 0);
      return;
    }
    t[base + conn.FLAGS] = (t[base + conn.FLAGS] & ~conn.STATE) | next;
    if (next === tcp.ESTABLISHED) this.#assure(c);
    const active = tcp.isActive(next);
    if (active && flags & conn.INACTIVE) {
      t[base + conn.FLAGS] &= ~conn.INACTIVE;
      dest.charge(1, -1);
    } else if (!active && (flags & conn.INACTIVE) === 0) {
      t[base + conn.FLAGS] |= conn.INACTIVE;
      dest.charge(-1, 1);
    }
    if (!half || next !== tcp.ESTABLISHED || direction === tcp.INPUT)
      this.table.queues.move(c, queueOf(next));
  }

  /** A packet was seen: its time starts again. */
  touch(c: number): void {
    const { t } = this.table;
    const base = c * WORDS;
    const expires = (this.now + t[base + conn.TIMEOUT]) | 0;
    // The wheel is told of an earlier time only; a later one it finds when it comes by.
    const sooner = ((expires - t[base + conn.EXPIRES]) | 0) < 0;
    t[base + conn.EXPIRES] = expires;
    if (sooner) this.wheel.set(c, expires);
  }

  /** Ends a connection. */
  end(c: number): void {
    const { t } = this.table;
    const base = c * WORDS;
    const dest = this.destOf(c);
    const flags = t[base + conn.FLAGS];
    const template = t[base + conn.CONTROL];
    if (flags & conn.TEMPLATE) dest.persistent--;
    else if (flags & conn.INACTIVE) dest.charge(0, -1);
    else dest.charge(-1, 0);
    if (dest.at < 0) dest.idleSince = this.now;
    if (((flags >>> conn.FORWARD_SHIFT) & 3) === FULLNAT && (flags & conn.TEMPLATE) === 0)
      this.#services.locals[this.table.localOf(c)].used--;
    if (flags & conn.ONE_PACKET) return;
    this.wheel.clear(c);
    this.table.drop(c);
    if (template !== 0) t[template * WORDS + conn.CONTROLS]--;
  }

  /** Ends the connections of a removed server at once (expire_nodest_conn), with templates that are held by nothing then. */
  flush(dest: Dest): void {
    for (const template of [false, true])
      for (let c = 1; c <= this.table.capacity; c++) {
        const base = c * WORDS;
        const { t } = this.table;
        if (!this.table.inUse(c) || t[base + conn.DEST] !== dest.index) continue;
        if (((t[base + conn.FLAGS] & conn.TEMPLATE) !== 0) === template && t[base + conn.CONTROLS] === 0)
          this.end(c);
      }
  }

  #due(c: number): void {
    const { t } = this.table;
    const base = c * WORDS;
    const expires = t[base + conn.EXPIRES];
    if (((expires - this.now) | 0) > 0) this.wheel.set(c, expires);
    else if (t[base + conn.CONTROLS] > 0) {
      t[base + conn.TIMEOUT] = HELD;
      t[base + conn.EXPIRES] = this.now + HELD;
      this.wheel.set(c, this.now + HELD);
    } else {
      this.expired++;
      this.end(c);
    }
  }

  #evict(): boolean {
    const { queues, t, capacity } = this.table;
    const few = queues.length(conn.HALF_OPEN) <= capacity >> FEW;
    let c = few ? queues.oldest(conn.CLOSING) : 0;
    if (c === 0) c = queues.oldest(conn.HALF_OPEN) || queues.oldest(conn.CLOSING);
    if (c === 0) return false;
    if (((t[c * WORDS + conn.FLAGS] >>> conn.QUEUE_SHIFT) & 3) === conn.CLOSING) this.evictedClosing++;
    else this.evictedHalfOpen++;
    const template = t[c * WORDS + conn.CONTROL];
    this.end(c);
    const base = template * WORDS;
    if (template !== 0 && t[base + conn.CONTROLS] === 0 && (t[base + conn.FLAGS] & conn.ASSURED) === 0)
      this.end(template);
    return true;
  }

  #assure(c: number): void {
    const { t } = this.table;
    const template = t[c * WORDS + conn.CONTROL];
    if (template !== 0) t[template * WORDS + conn.FLAGS] |= conn.ASSURED;
  }
}

function queueOf(state: number): number {
  if (state === tcp.ESTABLISHED) return 0;
  if (tcp.isActive(state) || state === tcp.NONE) return conn.HALF_OPEN;
  return state === tcp.CLOSE_WAIT ? 0 : conn.CLOSING;
}
