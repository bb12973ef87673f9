// What the oracle plays and what it heard: one story per set-up, a list of steps. Frames are IP packets in base64; what
// the kernel did stands beside each step. A story is JSON, so that a mismatch can be written down and played again.
import type { DestKey, DestOptions, ServiceKey, ServiceOptions, Sysctl } from '../../src/lvs/config.ts';

export type Side = 'client' | 'server';

/** An IP packet that the kernel sent: where, to which next hop (by its MAC), and the bytes. */
export interface Sent {
  side: Side;
  hop: string;
  packet: string;
}

export interface Conn {
  protocol: string;
  client: string;
  virtual: string;
  dest: string;
  state: string;
  /** Whole seconds to go. */
  expires: number;
}

export interface Counts {
  conns: number;
  inpkts: number;
  outpkts: number;
  inbytes: number;
  outbytes: number;
}

export interface DestLook {
  address: string;
  port: number;
  weight: number;
  active: number;
  inactive: number;
  persistent: number;
  counts: Counts;
}

export interface ServiceLook {
  key: ServiceKey;
  counts: Counts;
  dests: DestLook[];
}

/** `at`: the kernel's monotonic clock in ms when the step was done. */
export type Step = { at: number } & (
  | { do: 'service'; verb: 'add' | 'set' | 'remove'; key: ServiceKey; options?: ServiceOptions }
  | { do: 'dest'; verb: 'add' | 'set' | 'remove'; key: ServiceKey; dest: DestKey; options?: DestOptions }
  | { do: 'sysctl'; values: Partial<Sysctl> }
  | { do: 'mtu'; mtu: number }
  | { do: 'masquerade'; addresses: readonly string[] }
  | { do: 'frame'; side: Side; what: string; cell?: string; packet: string; sent: Sent[] }
  | { do: 'advance'; ms: number }
  | { do: 'look'; conns: Conn[]; services: ServiceLook[] }
);

export interface Story {
  seed: number;
  index: number;
  /** What the set-up is there to cover: scheduler/mode/flag/family. */
  cell: string;
  /** What the generator gave up, if it did. */
  note?: string;
  /** Played again with steps left out: what the kernel refuses then is left out too. */
  lenient?: boolean;
  steps: Step[];
}

export function toText(packet: Uint8Array): string {
  return Buffer.from(packet.buffer, packet.byteOffset, packet.length).toString('base64');
}

export function toBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
