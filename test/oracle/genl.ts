// IPVS's generic netlink, as far as the player needs it (include/uapi/linux/ip_vs.h): the verbs of ipvsadm, and what it lists.

import { formatIp, parseIp } from '../../src/kit/ip.ts';
import type { DestKey, DestOptions, ServiceKey, ServiceOptions } from '../../src/lvs/config.ts';
import type { Libc } from './libc.ts';
import type { Counts, DestLook, ServiceLook } from './story.ts';

const REQUEST = 1;
const ACK = 4;
const DUMP = 0x300;
const [ERROR, DONE] = [2, 3];
const [CTRL, GETFAMILY] = [0x10, 3];
export const COMMAND = {
  service: { add: 1, set: 2, remove: 3 },
  dest: { add: 5, set: 6, remove: 7 },
  listServices: 4,
  listDests: 8,
  timeouts: 12,
} as const;
const PROTOCOL = { tcp: 6, udp: 17 } as const;
const METHOD = { nat: 0, tun: 2, dr: 3, fullnat: 0 } as const;
const TUNNEL = { ipip: 0, gue: 1, gre: 2 } as const;
const SERVICE_FLAG: Readonly<Record<string, number>> = {
  ops: 4,
  'sh-fallback': 8,
  'sh-port': 16,
  'mh-fallback': 8,
  'mh-port': 16,
};

function attribute(type: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const out = Buffer.alloc((4 + body.length + 3) & ~3);
  out.writeUInt16LE(4 + body.length, 0);
  out.writeUInt16LE(type, 2);
  body.copy(out, 4);
  return out;
}

function u16(value: number): Buffer {
  const b = Buffer.alloc(2);
  b.writeUInt16LE(value);
  return b;
}

function u32(value: number): Buffer {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(value);
  return b;
}

function port(value: number): Buffer {
  const b = Buffer.alloc(2);
  b.writeUInt16BE(value);
  return b;
}

function addressOf(text: string): Uint8Array {
  const out = new Uint8Array(16);
  out.set(parseIp(text) as Uint8Array);
  return out;
}

function serviceAttribute(key: ServiceKey, options?: ServiceOptions): Buffer {
  const six = key.address.includes(':');
  const parts = [
    attribute(1, u16(six ? 10 : 2)),
    attribute(2, u16(PROTOCOL[key.protocol])),
    attribute(3, addressOf(key.address)),
    attribute(4, port(key.port)),
  ];
  if (options !== undefined) {
    const persistence = options.persistence ?? 0;
    let flags = persistence > 0 ? 1 : 0;
    for (const flag of options.flags ?? []) flags |= SERVICE_FLAG[flag];
    const bits = options.netmask ?? (six ? 128 : 32);
    const mask = Buffer.alloc(4);
    if (six) mask.writeUInt32LE(bits);
    else mask.writeUInt32BE(bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0);
    parts.push(
      attribute(6, Buffer.from(`${options.scheduler}\0`)),
      attribute(7, u32(flags), u32(0xffffffff)),
      attribute(8, u32(persistence)),
      attribute(9, mask),
    );
  }
  return attribute(1, ...parts);
}

function destAttribute(dest: DestKey, options?: DestOptions): Buffer {
  const parts = [
    attribute(1, addressOf(dest.address)),
    attribute(2, port(dest.port)),
    attribute(11, u16(dest.address.includes(':') ? 10 : 2)),
  ];
  if (options !== undefined) {
    parts.push(
      attribute(3, u32(METHOD[options.forward])),
      attribute(4, u32(options.weight)),
      attribute(5, u32(options.upper ?? 0)),
      attribute(6, u32(options.lower ?? 0)),
    );
    const tunnel = options.tunnel;
    if (tunnel !== undefined)
      parts.push(
        attribute(13, Uint8Array.of(TUNNEL[tunnel.type])),
        attribute(14, port(tunnel.port ?? 0)),
        attribute(15, u16(tunnel.csum === true ? 1 : 0)),
      );
  }
  return attribute(2, ...parts);
}

type Attributes = Map<number, Buffer>;

function attributesOf(bytes: Buffer): Attributes {
  const out: Attributes = new Map();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    out.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return out;
}

function counts(stats: Buffer | undefined): Counts {
  const all = attributesOf(stats as Buffer);
  const n = (type: number) => Number((all.get(type) as Buffer).readBigUInt64LE());
  return { conns: n(1), inpkts: n(2), outpkts: n(3), inbytes: n(4), outbytes: n(5) };
}

/** The verbs, over one netlink socket. What the kernel refuses is thrown, with its errno. */
export class Ipvs {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #in = Buffer.alloc(65536);
  #family = CTRL;
  #sequence = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = libc.netlink();
    const reply = this.#ask(GETFAMILY, [attribute(2, Buffer.from('IPVS\0'))], 0);
    this.#family = (attributesOf(reply[0]).get(1) as Buffer).readUInt16LE();
  }

  service(verb: 'add' | 'set' | 'remove', key: ServiceKey, options?: ServiceOptions): void {
    this.#ask(COMMAND.service[verb], [serviceAttribute(key, options)], 0);
  }

  dest(verb: 'add' | 'set' | 'remove', key: ServiceKey, dest: DestKey, options?: DestOptions): void {
    this.#ask(COMMAND.dest[verb], [serviceAttribute(key), destAttribute(dest, options)], 0);
  }

  /** ipvsadm --set: seconds; 0 leaves a value as it is. */
  timeouts(tcp: number, tcpFin: number, udp: number): void {
    this.#ask(
      COMMAND.timeouts,
      [attribute(4, u32(tcp)), attribute(5, u32(tcpFin)), attribute(6, u32(udp))],
      0,
    );
  }

  list(): ServiceLook[] {
    return this.#ask(COMMAND.listServices, [], DUMP).map(message => {
      const s = attributesOf(attributesOf(message).get(1) as Buffer);
      const six = (s.get(1) as Buffer).readUInt16LE() === 10;
      const key: ServiceKey = {
        protocol: (s.get(2) as Buffer).readUInt16LE() === 6 ? 'tcp' : 'udp',
        address: formatIp(s.get(3) as Buffer, 0, six ? 16 : 4),
        port: (s.get(4) as Buffer).readUInt16BE(),
      };
      return { key, counts: counts(s.get(12)), dests: this.#dests(key) };
    });
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #dests(key: ServiceKey): DestLook[] {
    return this.#ask(COMMAND.listDests, [serviceAttribute(key)], DUMP).map(message => {
      const d = attributesOf(attributesOf(message).get(2) as Buffer);
      const n = (type: number) => (d.get(type) as Buffer).readUInt32LE();
      const six = (d.get(11) as Buffer).readUInt16LE() === 10;
      return {
        address: formatIp(d.get(1) as Buffer, 0, six ? 16 : 4),
        port: (d.get(2) as Buffer).readUInt16BE(),
        weight: n(4),
        active: n(7),
        inactive: n(8),
        persistent: n(9),
        counts: counts(d.get(12)),
      };
    });
  }

  // Payloads (behind the generic header) of the replies.
  #ask(command: number, attributes: Buffer[], flags: number): Buffer[] {
    const body = Buffer.concat(attributes);
    const message = Buffer.alloc(20 + body.length);
    message.writeUInt32LE(message.length, 0);
    message.writeUInt16LE(this.#family, 4);
    message.writeUInt16LE(REQUEST | (flags === DUMP ? DUMP : ACK), 6);
    message.writeUInt32LE(++this.#sequence, 8);
    message[16] = command;
    message[17] = 1;
    body.copy(message, 20);
    this.#libc.write(this.#fd, message);
    const replies: Buffer[] = [];
    for (;;) {
      const length = this.#libc.read(this.#fd, this.#in);
      if (length <= 0) throw new Error(`netlink: no reply to command ${command}`);
      for (let at = 0; at < length; ) {
        const size = this.#in.readUInt32LE(at);
        const type = this.#in.readUInt16LE(at + 4);
        if (type === ERROR) {
          const code = -this.#in.readInt32LE(at + 16);
          if (code !== 0) throw new Error(`ipvs command ${command}: errno ${code}`);
          return replies;
        }
        if (type === DONE) return replies;
        replies.push(Buffer.from(this.#in.subarray(at + 20, at + size)));
        at += (size + 3) & ~3;
      }
    }
  }
}
