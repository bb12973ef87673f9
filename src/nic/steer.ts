// The XDP program (xdp/steer.bpf.c) and its maps: which frames go to AF_XDP sockets.
//   openSteer → watch(interface) → set(plan) → attach (pinned) → sockets in, heartbeat by plain stores
// The maps are this process's; only the links are pinned. A new process fills maps of its own and then puts its program into the
// links, between two frames; until then the old program drops what is a service's, as its workers are gone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beat, QUEUES } from './alive.ts';
import { Bpf } from './bpf.ts';
import { type BpfObject, readObject } from './elf.ts';
import type { Libc } from './libc.ts';

/** Flags of addresses, as the program has them; UDP's are TCP's << 1. */
export const FLAG = { vip: 1, server: 4, local: 16, host: 32, tunnelled: 64 } as const;
/** Kinds of endpoints. */
export const KIND = { service: 1, server: 2, tunnel: 3 } as const;
/** Why frames were taken, dropped or passed, in the order of the program's counters. */
export const STEERED = [
  'other',
  'service',
  'answer',
  'local',
  'icmp',
  'fragment',
  'no-worker',
  'other-host',
] as const;
export type Steered = (typeof STEERED)[number];
/** Interfaces that there is room for. */
export const INTERFACES = 16;

/** What is to be taken: octets of the program's keys, by a text that tells them apart. */
export interface Plan {
  addresses: ReadonlyMap<string, { key: Uint8Array; flags: number }>;
  endpoints: ReadonlyMap<string, Uint8Array>;
}

const SECTION = 'xdp';
const PSEUDO_MAP_FD = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** The object as it is committed. */
export const OBJECT: string = join(import.meta.dirname, '..', '..', '..', 'src', 'nic', 'xdp', 'steer.o');

/** Makes the maps and loads the program. Throws GTM_BPF. */
export function openSteer(libc: Libc): Steer {
  return new Steer(libc, readObject(readFileSync(OBJECT), SECTION));
}

export class Steer {
  readonly bpf: Bpf;
  readonly program: number;
  /** By queue, two words each: write milliseconds of 2^20 ns (beat()) into the first, and the queue's worker is alive. */
  readonly alive: Uint32Array;
  /** Where `alive` stands, for a worker of its own. */
  readonly aliveAt: number;
  readonly #libc: Libc;
  readonly #maps = new Map<string, number>();
  #addresses: Plan['addresses'] = new Map();
  #endpoints: Plan['endpoints'] = new Map();
  #open = true;

  constructor(libc: Libc, object: BpfObject) {
    this.#libc = libc;
    this.bpf = new Bpf(libc);
    let program = -1;
    try {
      for (const [name, shape] of object.maps) this.#maps.set(name, this.bpf.map(name, shape));
      program = this.bpf.load('steer', this.#linked(object), object.license);
      this.aliveAt = libc.map(QUEUES * 8, PROT_READ_WRITE, MAP_SHARED, this.#map('alive'), 0);
    } catch (e) {
      for (const fd of this.#maps.values()) libc.close(fd);
      if (program >= 0) libc.close(program);
      throw e;
    }
    this.program = program;
    this.alive = new Uint32Array(libc.view(this.aliveAt, QUEUES * 8));
  }

  /** Brings the program to take exactly this. What stays is not touched; what is new is taken before what goes is left. */
  set(plan: Plan): void {
    const { bpf } = this;
    const value = new Uint32Array(1);
    const octets = new Uint8Array(value.buffer);
    const [addresses, endpoints] = [this.#map('addresses'), this.#map('endpoints')];
    value[0] = 1;
    for (const [name, key] of plan.endpoints) if (!this.#endpoints.has(name)) bpf.set(endpoints, key, octets);
    for (const [name, { key, flags }] of plan.addresses) {
      if (this.#addresses.get(name)?.flags === flags) continue;
      value[0] = flags;
      bpf.set(addresses, key, octets);
    }
    for (const [name, { key }] of this.#addresses) if (!plan.addresses.has(name)) bpf.delete(addresses, key);
    for (const [name, key] of this.#endpoints) if (!plan.endpoints.has(name)) bpf.delete(endpoints, key);
    this.#addresses = plan.addresses;
    this.#endpoints = plan.endpoints;
  }

  /** Frames to `mac` that come in by the interface `index` are looked at; its queues' sockets stand from `slot` × QUEUES on. */
  watch(slot: number, index: number, queues: number, mac: Uint8Array): void {
    const value = new Uint8Array(16);
    const view = new DataView(value.buffer);
    view.setUint32(0, slot * QUEUES, true);
    view.setUint32(4, queues, true);
    value.set(mac.subarray(0, 6), 8);
    this.bpf.set(this.#map('interfaces'), number(index), value);
  }

  /** Hands the frames of a queue to an AF_XDP socket; closing that takes it out. */
  socket(slot: number, queue: number, fd: number): void {
    this.bpf.set(this.#map('sockets'), number(slot * QUEUES + queue), number(fd));
  }

  /** From `ns` nanoseconds of CLOCK_MONOTONIC on, the program passes everything, unless a worker is alive: a clean stop. */
  retire(ns: number): void {
    const value = new Uint32Array(2);
    value[0] = beat(ns) || 1;
    this.bpf.set(this.#map('stopped'), number(0), new Uint8Array(value.buffer));
  }

  /** Frames by reason since the start. */
  counters(): Record<Steered, number> {
    const cpus = possibleCpus();
    const value = new BigUint64Array(cpus);
    return Object.fromEntries(
      STEERED.map((name, i) => {
        this.bpf.get(this.#map('counters'), number(i), new Uint8Array(value.buffer));
        return [name, Number(value.reduce((a, b) => a + b, 0n))];
      }),
    ) as Record<Steered, number>;
  }

  /** Lets go of the program and the maps; links that are pinned keep them. `alive` is not to be touched any more. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#libc.unmap(this.aliveAt, QUEUES * 8);
    this.#libc.close(this.program);
    for (const fd of this.#maps.values()) this.#libc.close(fd);
  }

  #linked(object: BpfObject): Uint8Array {
    const code = new Uint8Array(object.code);
    const view = new DataView(code.buffer);
    for (const { at, map } of object.references) {
      code[at + 1] = (code[at + 1] & 15) | (PSEUDO_MAP_FD << 4);
      view.setInt32(at + 4, this.#map(map), true);
    }
    return code;
  }

  #map(name: string): number {
    return this.#maps.get(name) as number;
  }
}

function number(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function possibleCpus(): number {
  const text = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim();
  return Number(text.split(/[-,]/).at(-1)) + 1;
}
