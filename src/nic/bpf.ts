// bpf(2): maps, programs, links to interfaces, pins (include/uapi/linux/bpf.h). Cold calls; what is hot goes by mapped memory.
//   openBpf → map · set/get/delete · load (the verifier's words in the error) · attach | update · pin | pinned
// Invariant: a descriptor that a call makes is the caller's to close; every call throws GTM_BPF with what to do about it.
import { constants } from 'node:os';
import { GtmError } from '../kit/errors.ts';
import type { MapShape } from './elf.ts';
import { type Libc, systemFault } from './libc.ts';

const CMD = {
  MAP_CREATE: 0,
  LOOKUP: 1,
  UPDATE: 2,
  DELETE: 3,
  NEXT_KEY: 4,
  PROG_LOAD: 5,
  PIN: 6,
  GET: 7,
  TEST_RUN: 10,
  INFO: 15,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
  LINK_DETACH: 34,
} as const;
const PROG_XDP = 6;
const ATTACH_XDP = 37;
const ATTR = 144;
const LOG = 1 << 18;
const NAME = 15;
/** Times that a program is loaded anew when a signal came in between. */
const AGAIN = 100;
const { EAGAIN, EEXIST, ENOENT, EPERM, ENOSPC, EOPNOTSUPP, EBUSY, EINVAL } = constants.errno;

/** How a driver hands frames over: XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE. */
export const ATTACH = { native: 4, generic: 2 } as const;
export type Attach = keyof typeof ATTACH;

export interface TestRun {
  verdict: number;
  /** Nanoseconds a run, on average. */
  duration: number;
  packet: Uint8Array;
}

export class Bpf {
  readonly #libc: Libc;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Makes a map. */
  map(name: string, shape: MapShape): number {
    const a = new Attr(this.#libc);
    a.u32(0, shape.type);
    a.u32(4, shape.keySize);
    a.u32(8, shape.valueSize);
    a.u32(12, shape.entries);
    a.u32(16, shape.flags);
    a.text(28, name);
    return this.#call(CMD.MAP_CREATE, a, `map ${name} cannot be made`);
  }

  set(map: number, key: Uint8Array, value: Uint8Array): void {
    const a = new Attr(this.#libc);
    a.u32(0, map);
    a.pointer(8, key);
    a.pointer(16, value);
    const result = this.#libc.bpf(CMD.UPDATE, a.bytes);
    if (-result === ENOSPC || -result === constants.errno.E2BIG)
      throw new GtmError(
        'GTM_BPF',
        'a map of the XDP program is full: fewer services or real servers are possible',
      );
    if (result < 0) throw fault('a map cannot be written', -result);
  }

  /** Fills `value`; false if the map has no such key. */
  get(map: number, key: Uint8Array, value: Uint8Array): boolean {
    const a = new Attr(this.#libc);
    a.u32(0, map);
    a.pointer(8, key);
    a.pointer(16, value);
    return this.#found(CMD.LOOKUP, a);
  }

  /** False if there was none. */
  delete(map: number, key: Uint8Array): boolean {
    const a = new Attr(this.#libc);
    a.u32(0, map);
    a.pointer(8, key);
    return this.#found(CMD.DELETE, a);
  }

  /** Every key of a map, of `size` octets. */
  keys(map: number, size: number): Uint8Array[] {
    const keys: Uint8Array[] = [];
    for (let last: Uint8Array | undefined; ; ) {
      const next = new Uint8Array(size);
      const a = new Attr(this.#libc);
      a.u32(0, map);
      if (last !== undefined) a.pointer(8, last);
      a.pointer(16, next);
      if (!this.#found(CMD.NEXT_KEY, a)) return keys;
      keys.push(next);
      last = next;
    }
  }

  /** Loads an XDP program whose map references are filled in. Throws GTM_BPF with what the verifier said last. */
  load(name: string, code: Uint8Array, license: string): number {
    const log = new Uint8Array(LOG);
    const words = new TextEncoder().encode(`${license}\0`);
    const a = new Attr(this.#libc);
    a.u32(0, PROG_XDP);
    a.u32(4, code.length / 8);
    a.pointer(8, code);
    a.pointer(16, words);
    a.text(48, name);
    a.u32(68, ATTACH_XDP);
    // A signal ends the verifier's work (EAGAIN): then it begins anew.
    let result = this.#libc.bpf(CMD.PROG_LOAD, a.bytes);
    for (let i = 0; i < AGAIN && -result === EAGAIN; i++) result = this.#libc.bpf(CMD.PROG_LOAD, a.bytes);
    if (result < 0 && -result !== EPERM) {
      // Once more, with the verifier's reasons: asking for them makes every load slower.
      a.u32(24, 1);
      a.u32(28, LOG);
      a.pointer(32, log);
      result = this.#libc.bpf(CMD.PROG_LOAD, a.bytes);
    }
    if (result >= 0) return result;
    const said = new TextDecoder().decode(log.subarray(0, Math.max(0, log.indexOf(0)))).trim();
    if (said === '') throw fault('the XDP program was refused', -result);
    const last = said.split('\n').slice(-6).join('; ');
    throw new GtmError('GTM_BPF', `the XDP program was refused: ${last}`, systemFault('bpf', -result).cause);
  }

  /** Links a program to an interface: a descriptor that holds the link. */
  attach(program: number, interfaceIndex: number, how: Attach): number {
    const a = new Attr(this.#libc);
    a.u32(0, program);
    a.u32(4, interfaceIndex);
    a.u32(8, ATTACH_XDP);
    a.u32(12, ATTACH[how]);
    return this.#call(CMD.LINK_CREATE, a, `the XDP program cannot be attached (${how})`);
  }

  /** Puts another program into a link, between two frames. */
  update(link: number, program: number): void {
    const a = new Attr(this.#libc);
    a.u32(0, link);
    a.u32(4, program);
    this.#call(CMD.LINK_UPDATE, a, 'the XDP program cannot be replaced');
  }

  /** Ends a link, whoever else holds it. */
  detach(link: number): void {
    const a = new Attr(this.#libc);
    a.u32(0, link);
    this.#call(CMD.LINK_DETACH, a, 'the XDP program cannot be detached');
  }

  /** The interface of an XDP link; 0 once that is gone. */
  linkedTo(link: number): number {
    const info = new Uint8Array(64);
    const a = new Attr(this.#libc);
    a.u32(0, link);
    a.u32(4, info.length);
    a.pointer(8, info);
    this.#call(CMD.INFO, a, 'a link cannot be read');
    return new DataView(info.buffer).getUint32(16, true);
  }

  /** Keeps what `fd` stands for beyond this process, under a path of a bpffs. */
  pin(fd: number, path: string): void {
    const a = new Attr(this.#libc);
    a.path(0, path);
    a.u32(8, fd);
    this.#call(CMD.PIN, a, `${path} cannot be pinned`);
  }

  /** What is pinned at `path`, or undefined. */
  pinned(path: string): number | undefined {
    const a = new Attr(this.#libc);
    a.path(0, path);
    const result = this.#libc.bpf(CMD.GET, a.bytes);
    if (-result === ENOENT) return undefined;
    if (result < 0) throw fault(`${path} cannot be opened`, -result);
    return result;
  }

  /** Runs a program over a packet, `repeat` times. */
  test(program: number, packet: Uint8Array, repeat = 1): TestRun {
    const out = new Uint8Array(packet.length + 256);
    const a = new Attr(this.#libc);
    a.u32(0, program);
    a.u32(8, packet.length);
    a.u32(12, out.length);
    a.pointer(16, packet);
    a.pointer(24, out);
    a.u32(32, repeat);
    this.#call(CMD.TEST_RUN, a, 'the program cannot be run');
    return { verdict: a.get(4), duration: a.get(36), packet: out.slice(0, a.get(12)) };
  }

  #call(command: number, a: Attr, what: string): number {
    const result = this.#libc.bpf(command, a.bytes);
    if (result < 0) throw fault(what, -result);
    return result;
  }

  #found(command: number, a: Attr): boolean {
    const result = this.#libc.bpf(command, a.bytes);
    if (-result === ENOENT) return false;
    if (result < 0) throw fault('a map cannot be read', -result);
    return true;
  }
}

/** A `union bpf_attr`, and what it points to for as long as it lives. */
class Attr {
  readonly bytes: Uint8Array = new Uint8Array(ATTR);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #libc: Libc;
  readonly #held: Uint8Array[] = [];

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  get(at: number): number {
    return this.#view.getUint32(at, true);
  }

  pointer(at: number, to: Uint8Array): void {
    this.#held.push(to);
    this.#view.setBigUint64(at, BigInt(this.#libc.address(to.buffer) + to.byteOffset), true);
  }

  path(at: number, path: string): void {
    this.pointer(at, new TextEncoder().encode(`${path}\0`));
  }

  text(at: number, name: string): void {
    this.bytes.set(new TextEncoder().encode(name.replace(/\W/g, '_').slice(0, NAME)), at);
  }
}

function fault(what: string, errno: number): GtmError {
  return new GtmError('GTM_BPF', `${what}${REMEDY[errno] ?? ''}`, systemFault('bpf', errno).cause);
}

const REMEDY: Readonly<Record<number, string>> = {
  [EPERM]: ': CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed (or root)',
  [EOPNOTSUPP]: ': the driver or the kernel cannot',
  [EBUSY]: ': another XDP program is there',
  [EEXIST]: ': another XDP program is there',
  [EINVAL]: ': the kernel knows less than we ask for (Linux 5.9 at least)',
};
