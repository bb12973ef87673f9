// The kernel under test, seen from inside it: the verbs of ipvsadm, frames in and out through taps, and a clock that the
// player sets ahead. Each set-up has a network namespace of its own, so nothing of the one before is left.
// Invariant: a frame that is written has been worked off when write() returns: what it causes can be read at once.
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { formatEndpoint, formatIp } from '../../src/kit/ip.ts';
import type { DestKey, DestOptions, ServiceKey, ServiceOptions, Sysctl } from '../../src/lvs/config.ts';
import { Ipvs } from './genl.ts';
import type { Libc } from './libc.ts';
import { type Conn, type Sent, type ServiceLook, type Side, toText } from './story.ts';
import { batch, DEVICE, MAC, SWITCHES, TRACKING } from './topology.ts';

const SIDES = ['client', 'server'] as const;
/** How far the clock is set ahead at once: the kernel runs timers that fall into a leap late by an eighth of it. Long ways begin with greater ones. */
const LEAP = 10;

export class Clock {
  readonly #path: string;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #ahead = 0n;

  /** `path`: the file that the kernel's clock reads how many seconds it is ahead from. */
  constructor(path: string) {
    this.#path = path;
  }

  now(): number {
    return Number(process.hrtime.bigint() / 1000n) / 1000;
  }

  /** Lets whole seconds pass, and the kernel's timers run. */
  advance(seconds: number): void {
    for (let left = seconds; left > 0; ) {
      const leap = Math.min(left, left > 10 * LEAP ? 6 * LEAP : LEAP);
      left -= leap;
      this.#ahead += BigInt(leap);
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(this.#ahead);
      const fd = openSync(this.#path, 'r+');
      writeSync(fd, bytes, 0, 8, 0);
      fsyncSync(fd);
      closeSync(fd);
      this.sleep(25);
    }
  }

  sleep(ms: number): void {
    Atomics.wait(this.#cell, 0, 0, ms);
  }
}

export class Kernel {
  readonly clock: Clock;
  readonly #libc: Libc;
  readonly #taps: Record<Side, number>;
  readonly #ipvs: Ipvs;
  readonly #in = Buffer.alloc(70_000);

  /** A fresh namespace whose server side has links of `mtu` bytes. */
  constructor(libc: Libc, clock: Clock, mtu: number) {
    this.#libc = libc;
    this.clock = clock;
    libc.unshare();
    this.#taps = { client: libc.tap(DEVICE.client), server: libc.tap(DEVICE.server) };
    for (const [path, value] of Object.entries(SWITCHES)) writeFileSync(`/proc/sys/net/${path}`, value);
    execFileSync('ip', ['-batch', '-'], { input: `${batch()}link set ${DEVICE.server} mtu ${mtu}\n` });
    this.#ipvs = new Ipvs(libc);
    this.#hear();
  }

  service(verb: 'add' | 'set' | 'remove', key: ServiceKey, options?: ServiceOptions): void {
    this.#ipvs.service(verb, key, options);
  }

  dest(verb: 'add' | 'set' | 'remove', key: ServiceKey, dest: DestKey, options?: DestOptions): void {
    this.#ipvs.dest(verb, key, dest, options);
  }

  /** Seconds; 0 leaves a value as it is. */
  timeouts(tcp: number, tcpFin: number, udp: number): void {
    this.#ipvs.timeouts(tcp, tcpFin, udp);
  }

  sysctl(values: Partial<Sysctl>): void {
    for (const [name, value] of Object.entries(values))
      writeFileSync(`/proc/sys/net/ipv4/vs/${name}`, String(value));
  }

  /**
   * What comes from clients through IPVS leaves with one of `addresses` as its source: netfilter's SNAT behind IPVS's NAT is
   * FullNAT. No address: that of the link (MASQUERADE). Before the first service.
   */
  masquerade(addresses: readonly string[]): void {
    for (const [path, value] of Object.entries(TRACKING)) writeFileSync(`/proc/sys/net/${path}`, value);
    for (const family of [4, 6]) {
      const own = addresses.filter(a => a.includes(':') === (family === 6));
      const target =
        own.length === 0
          ? ['MASQUERADE']
          : ['SNAT', '--to-source', own.length > 1 ? `${own[0]}-${own.at(-1)}` : own[0]];
      const rule = ['-t', 'nat', '-A', 'POSTROUTING', '-m', 'ipvs', '--ipvs', '-j', ...target];
      execFileSync(family === 4 ? 'iptables-legacy' : 'ip6tables-legacy', rule);
    }
  }

  /** One IP packet in on `side`; what the kernel sent because of it. */
  frame(side: Side, packet: Uint8Array): Sent[] {
    const head = Buffer.from(`${MAC[side]}:02:00:00:00:00:aa`.replaceAll(':', ''), 'hex');
    const type = packet[0] >> 4 === 6 ? [0x86, 0xdd] : [0x08, 0x00];
    this.#libc.write(this.#taps[side], Buffer.concat([head, Uint8Array.from(type), packet]));
    return this.#hear();
  }

  look(): { conns: Conn[]; services: ServiceLook[] } {
    const conns: Conn[] = [];
    for (const line of readFileSync('/proc/net/ip_vs_conn', 'utf8').split('\n').slice(1)) {
      const word = line.trim().split(/\s+/);
      if (word.length < 9) continue;
      conns.push({
        protocol: word[0].toLowerCase(),
        client: endpoint(word[1], word[2]),
        virtual: endpoint(word[3], word[4]),
        dest: endpoint(word[5], word[6]),
        state: word[7],
        expires: Number(word[8]),
      });
    }
    return { conns, services: this.#ipvs.list() };
  }

  close(): void {
    this.#ipvs.close();
    for (const side of SIDES) this.#libc.close(this.#taps[side]);
  }

  // Multicast (neighbour discovery, listener reports) and what is not IP is the host's own talk.
  #hear(): Sent[] {
    const out: Sent[] = [];
    for (const side of SIDES) {
      for (;;) {
        const length = this.#libc.read(this.#taps[side], this.#in);
        if (length < 34) break;
        const type = this.#in.readUInt16BE(12);
        if ((this.#in[0] & 1) === 1 || (type !== 0x0800 && type !== 0x86dd)) continue;
        const hop = this.#in.toString('hex', 0, 6).replace(/(..)(?=.)/g, '$1:');
        out.push({ side, hop, packet: toText(this.#in.subarray(14, length)) });
      }
    }
    return out;
  }
}

function endpoint(address: string, port: string): string {
  const bytes = Buffer.from(address.replaceAll(/[:[\]]/g, ''), 'hex');
  return formatEndpoint(formatIp(bytes, 0, bytes.length), Number.parseInt(port, 16));
}
