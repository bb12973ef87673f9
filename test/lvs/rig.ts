// A director for tests: a client's network, a virtual address, three servers, and packets sent through it one line each.
import assert from 'node:assert/strict';
import { parseIp } from '../../src/kit/ip.ts';
import { seeded } from '../../src/kit/rng.ts';
import { MANY } from '../../src/lvs/ahead.ts';
import type { DestOptions, Route, Routes, ServiceKey, ServiceOptions, Sysctl } from '../../src/lvs/config.ts';
import { type ConnectionInfo, Director, HEADROOM } from '../../src/lvs/director.ts';
import type { IsnSource } from '../../src/lvs/forward/isn.ts';
import { word } from '../../src/lvs/packet/parse.ts';
import { REASON, VERDICT } from '../../src/lvs/verdict.ts';

export const CLIENT = '198.51.100.7:31337';
export const VIP = '192.0.2.10:80';
export const SERVERS = ['10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.3:8080'];
export const CLIENT6 = '[2001:db8:1::7]:31337';
export const VIP6 = '[2001:db8:2::10]:80';
export const SERVER6 = '[2001:db8:3::1]:8080';

export interface Sent {
  verdict: (typeof VERDICT)[number];
  reason: string;
  /** What goes out (of `drop` what came in). */
  packet: Uint8Array;
  fragment: number;
}

/** Routes: every address is on one link of `mtu`, the host speaks as 10.0.0.254 or 2001:db8:3::fe. */
export class OneLink implements Routes {
  mtu = 1500;
  asked = 0;
  local: string[] = [];
  find(family: number, address: Int32Array, route: Route): boolean {
    this.asked++;
    route.mtu = this.mtu;
    route.local = this.local.some(text => word(parseIp(text) as Uint8Array, 0) === address[0]);
    route.hop.set(address);
    route.hopFamily = family;
    if (family === 4) route.source.set([0x0a0000fe, 0, 0, 0]);
    else route.source.set([0x20010db8, 0x00030000, 0, 0xfe]);
    route.iface = 1;
    return true;
  }
}

export class Rig {
  readonly routes = new OneLink();
  readonly director: Director;
  now = 1_000_000;

  constructor(sysctl: Partial<Sysctl> = {}, capacity = 1000, many = MANY, isn?: IsnSource) {
    const { routes } = this;
    this.director = new Director({ capacity, routes, rng: seeded(7), sysctl, many, ...(isn && { isn }) });
  }

  /** A service at `vip` with its servers, given in the order in which they are added. */
  service(
    vip: string,
    servers: readonly string[],
    dest: Partial<DestOptions> = {},
    options: Partial<ServiceOptions> = {},
    protocol: 'tcp' | 'udp' = 'tcp',
  ): ServiceKey {
    const key = { protocol, ...endpoint(vip) };
    this.director.addService(key, { scheduler: 'rr', ...options });
    for (const s of servers) this.director.addDest(key, endpoint(s), { weight: 1, forward: 'nat', ...dest });
    return key;
  }

  /** Sends a packet through, with headroom in front and a guard behind that must stay as it was. */
  send(packet: Uint8Array, passed = 0): Sent {
    this.now += passed;
    const frame = new Uint8Array(HEADROOM + packet.length + 16).fill(0xee);
    frame.set(packet, HEADROOM);
    const verdict = this.director.handle(frame, HEADROOM, packet.length, this.now);
    const { out } = this.director;
    assert.ok(
      frame.subarray(HEADROOM + packet.length).every(b => b === 0xee),
      'written behind the packet',
    );
    assert.notEqual(REASON[out.reason], 'none');
    const left = verdict === 0 ? packet : out.frame.slice(out.offset, out.offset + out.length);
    return { verdict: VERDICT[verdict], reason: REASON[out.reason], packet: left, fragment: out.fragment };
  }

  wait(ms: number): void {
    this.now += ms;
    this.director.tick(this.now);
  }

  conns(): ConnectionInfo[] {
    return [...this.director.connections()];
  }

  /** `STATE expires/1000` of the only connection that is no template. */
  state(): string {
    const own = this.conns().filter(c => !c.template);
    assert.equal(own.length, 1);
    return `${own[0].state} ${own[0].expires / 1000}`;
  }
}

export function endpoint(text: string): { address: string; port: number } {
  const m = /^\[?(.+?)\]?:(\d+)$/.exec(text) as RegExpExecArray;
  return { address: m[1], port: Number(m[2]) };
}
