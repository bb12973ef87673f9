// The connection table as bytes, for a restart or another director: big-endian, version 1.
//   "GTLV" · version · count · { family, flags, state, method · ports · time-out, rest, template's number · client · virtual · server
//   · FullNAT: local address, sequence delta, first data }
// Connections whose service or server is not there are left out at reading. Nothing of a foreign machine is trusted: every field is checked.
import { GtmError } from '../kit/errors.ts';
import { hash32 } from '../kit/hash.ts';
import type { Core } from './core.ts';
import * as conn from './line.ts';
import { WORDS } from './line.ts';
import { type Packet, setWord, TCP, UDP, word } from './packet/parse.ts';
import { type Dest, FULLNAT, NAT } from './service.ts';
import { isActive, STATES } from './tcpstate.ts';

const MAGIC = 0x47544c56;
const VERSION = 1;
const HEADER = 12;
/** Words of a record. */
const RECORD = 26;
/** Of these, those that name the real server: virtual and real address, their ports, the real one's family. */
const NAMED = { first: 10, words: 10 } as const;
/** Flags that name it, too. */
const KIND = conn.V6 | conn.IS_UDP;
const KEPT =
  conn.STATE |
  conn.V6 |
  conn.IS_UDP |
  conn.TEMPLATE |
  conn.NOOUTPUT |
  conn.ASSURED |
  conn.CONFIRMED |
  (3 << conn.FORWARD_SHIFT);

const NO_ADDRESS = new Int32Array(4);

/** Bytes that the table takes now. */
export function tableSize(core: Core): number {
  return HEADER + core.life.table.used * RECORD * 4;
}

/** Writes the table to the front of `to`, templates first, and returns its length. GTM_LVS_TABLE if `to` is too small. */
export function writeTable(core: Core, to: Uint8Array): number {
  const size = tableSize(core);
  if (to.length < size)
    throw new GtmError('GTM_LVS_TABLE', `connection table: ${size} bytes do not fit into ${to.length}`);
  const { table } = core.life;
  const numbers = new Int32Array(table.capacity + 1);
  let count = 0;
  for (const templates of [true, false])
    for (let c = 1; c <= table.capacity; c++) {
      if (!table.inUse(c)) continue;
      if (((table.t[c * WORDS + conn.FLAGS] & conn.TEMPLATE) !== 0) !== templates) continue;
      writeRecord(core, c, to, HEADER + count * RECORD * 4, numbers);
      numbers[c] = ++count;
    }
  setWord(to, 0, MAGIC);
  setWord(to, 4, VERSION);
  setWord(to, 8, count);
  return HEADER + count * RECORD * 4;
}

function writeRecord(core: Core, c: number, to: Uint8Array, at: number, numbers: Int32Array): void {
  const { table } = core.life;
  const { t } = table;
  const base = c * WORDS;
  const dest = core.life.destOf(c);
  const full =
    ((t[base + conn.FLAGS] >>> conn.FORWARD_SHIFT) & 3) === FULLNAT &&
    (t[base + conn.FLAGS] & conn.TEMPLATE) === 0;
  setWord(to, at, t[base + conn.FLAGS] & KEPT);
  setWord(to, at + 4, t[base + conn.CPORTS]);
  setWord(to, at + 8, t[base + conn.DPORTS]);
  setWord(to, at + 12, t[base + conn.TIMEOUT]);
  setWord(to, at + 16, (t[base + conn.EXPIRES] - core.life.now) | 0);
  setWord(to, at + 20, numbers[t[base + conn.CONTROL]]);
  table.clientOf(c, core.words);
  setAddress(to, at + 24, core.words);
  setAddress(to, at + 40, dest.v);
  setAddress(to, at + 56, dest.d);
  setWord(to, at + 72, (dest.vport << 16) | dest.port);
  setWord(to, at + 76, dest.family);
  setAddress(to, at + 80, full ? core.services.locals[table.localOf(c)].a : NO_ADDRESS);
  const x = table.fullOf(c);
  const own = table.fullAt(c);
  setWord(to, at + 96, full ? x[own + conn.DELTA] : 0);
  setWord(to, at + 100, full ? x[own + conn.FIRST_DATA] : 0);
}

function setAddress(to: Uint8Array, at: number, words: Int32Array): void {
  for (let i = 0; i < 4; i++) setWord(to, at + 4 * i, words[i]);
}

/** Takes up the connections of `from`; how many. GTM_LVS_TABLE if it is no such table. */
export function readTable(core: Core, from: Uint8Array): number {
  const count = from.length < HEADER ? 0 : word(from, 8) >>> 0;
  if (
    from.length < HEADER ||
    word(from, 0) !== MAGIC ||
    word(from, 4) !== VERSION ||
    HEADER + count * RECORD * 4 > from.length
  )
    throw new GtmError('GTM_LVS_TABLE', 'connection table: not written by this version, or cut');
  const made = new Int32Array(count + 1);
  const dests = new Dests(core.services.dests);
  let taken = 0;
  for (let n = 1; n <= count; n++) {
    made[n] = readRecord(core, dests, from, HEADER + (n - 1) * RECORD * 4, made, n);
    if (made[n] !== 0) taken++;
  }
  return taken;
}

function readRecord(
  core: Core,
  dests: Dests,
  from: Uint8Array,
  at: number,
  made: Int32Array,
  n: number,
): number {
  const get = (i: number) => word(from, at + 4 * i);
  const flags = get(0) & KEPT;
  const timeout = get(3);
  const rest = get(4);
  const template = get(5);
  if (
    (flags & conn.STATE) >= STATES ||
    timeout <= 0 ||
    rest <= 0 ||
    rest > timeout ||
    template < 0 ||
    template >= n
  )
    return 0;
  const dest = dests.find(from, at + 4 * NAMED.first, flags & KIND);
  if (dest === undefined) return 0;
  const { key: p, life } = core;
  fill(p, from, at, flags);
  const method = (flags >>> conn.FORWARD_SHIFT) & 3;
  const isTemplate = flags & conn.TEMPLATE;
  if (method !== NAT && method !== dest.forward) return 0;
  const full = method === FULLNAT && isTemplate === 0;
  const c0 = isTemplate ? 0 : life.table.findIn(p);
  if (c0 !== 0 || life.table.used >= life.table.capacity) return 0;
  const localIndex = full ? localOf(core, from, at) : 0;
  if (localIndex < 0) return 0;
  const c = life.open(p, dest, get(2) >>> 16, isTemplate);
  if (c === 0) return 0;
  const { t } = life.table;
  const base = c * WORDS;
  t[base + conn.FLAGS] = flags | conn.INACTIVE;
  t[base + conn.DPORTS] = get(2);
  t[base + conn.TIMEOUT] = timeout;
  t[base + conn.EXPIRES] = (life.now + rest) | 0;
  if (full) {
    life.table.extend(p.family);
    const x = life.table.fullOf(c);
    const own = life.table.fullAt(c);
    x[own + conn.LOCAL] = localIndex;
    x[own + conn.DELTA] = get(24);
    x[own + conn.FIRST_DATA] = get(25);
    core.services.locals[localIndex].used++;
  }
  life.enter(c);
  life.resume(c, dest, (flags & conn.IS_UDP) === 0 && isTemplate === 0 && isActive(flags & conn.STATE));
  if (template > 0 && made[template] !== 0) life.control(c, made[template]);
  return c;
}

function fill(p: Packet, from: Uint8Array, at: number, flags: number): void {
  p.family = flags & conn.V6 ? 6 : 4;
  p.protocol = flags & conn.IS_UDP ? UDP : TCP;
  p.s0 = word(from, at + 24);
  p.s1 = word(from, at + 28);
  p.s2 = word(from, at + 32);
  p.s3 = word(from, at + 36);
  p.d0 = word(from, at + 40);
  p.d1 = word(from, at + 44);
  p.d2 = word(from, at + 48);
  p.d3 = word(from, at + 52);
  p.sport = word(from, at + 4) >>> 16;
  p.dport = word(from, at + 4) & 0xffff;
}

/** The real servers by what a record says of theirs: there may be very many, and each connection looks for its own. */
class Dests {
  readonly #by = new Map<number, { dest: Dest; kind: number; words: Int32Array }[]>();
  readonly #words = new Int32Array(NAMED.words);

  constructor(all: readonly Dest[]) {
    for (const dest of all) {
      if (dest.at < 0) continue;
      const words = Int32Array.of(...dest.v, ...dest.d, (dest.vport << 16) | dest.port, dest.family);
      const kind = (dest.service.family === 6 ? conn.V6 : 0) | (dest.protocol === UDP ? conn.IS_UDP : 0);
      const mark = markOf(words, kind);
      const alike = this.#by.get(mark);
      if (alike === undefined) this.#by.set(mark, [{ dest, kind, words }]);
      else alike.push({ dest, kind, words });
    }
  }

  /** The one of `kind` that is named in `from` at octet `at`; undefined: it is not there any more. */
  find(from: Uint8Array, at: number, kind: number): Dest | undefined {
    const words = this.#words;
    for (let i = 0; i < words.length; i++) words[i] = word(from, at + 4 * i);
    const alike = this.#by.get(markOf(words, kind));
    if (alike === undefined) return undefined;
    for (const known of alike) if (known.kind === kind && isSame(known.words, words)) return known.dest;
    return undefined;
  }
}

function markOf(words: Int32Array, kind: number): number {
  let mark = kind;
  for (let i = 0; i < words.length; i++) mark = hash32(mark ^ words[i], 32) | 0;
  return mark;
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function localOf(core: Core, from: Uint8Array, at: number): number {
  return core.services.locals.findIndex(l => [0, 1, 2, 3].every(i => l.a[i] === word(from, at + 80 + 4 * i)));
}
