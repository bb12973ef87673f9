// What random traffic is made of: flows, headers, errors about what was sent, strays.
import { below, type Rng } from '../../src/kit/rng.ts';
import { protocolOf } from './canon.ts';
import { FLAG, ICMP, ICMP6, type IpParts, icmp, ip, tcp, udp } from './packet.ts';
import { chance, oneOf, type Service } from './setup.ts';

export interface Flow {
  service: Service;
  client: string;
  port: number;
  /** The service's port, or for port 0 the one that was asked for. */
  vport: number;
  seq: number;
  /** What the director last sent towards the server and towards the client. */
  inward?: Uint8Array;
  outward?: Uint8Array;
  /** Where NAT sent it, and as whom. */
  server?: { address: string; port: number };
  local?: { address: string; port: number };
  /** The server's answer reached the client. */
  answered: boolean;
}

const { syn, ack, fin, rst } = FLAG;

/** Type, code and second word of the errors that are played. */
const ERRORS4: readonly (readonly [number, number, number])[] = [
  [3, 3, 0],
  [3, 1, 0],
  [3, 4, 1280],
  [11, 0, 0],
  [4, 0, 0],
];
const ERRORS6: readonly (readonly [number, number, number])[] = [
  [1, 4, 0],
  [1, 0, 0],
  [2, 0, 1280],
  [3, 0, 0],
];

/** Its servers answer through the director. */
export function isMasked(service: Service): boolean {
  return service.cell.forward === 'nat' || service.cell.forward === 'fullnat';
}

/** What it says has to follow the handshake: FullNAT's TCP, for the sake of the kernel's connection tracking. */
export function isOrderly(flow: Flow): boolean {
  return flow.service.cell.forward === 'fullnat' && flow.service.key.protocol === 'tcp';
}

/** They have the same local end towards the same server. */
export function sameLocal(a: Flow, b: Flow): boolean {
  const end = (f: Flow) => `${f.local?.address} ${f.local?.port} ${f.server?.address} ${f.server?.port}`;
  return a.service.key.protocol === b.service.key.protocol && end(a) === end(b);
}

export function randomHead(rng: Rng, source: string, destination: string): IpParts {
  return {
    source,
    destination,
    tos: oneOf(rng, [0, 0, 0, 1, 2, 3, 0x10, 0xb8]),
    id: 1 + below(rng, 65_535),
    df: chance(rng, 60),
    ttl: oneOf(rng, [64, 64, 128, 255, 17]),
    flow: chance(rng, 30) ? below(rng, 1 << 20) : 0,
    ...(chance(rng, 3) && { options: Uint8Array.of(1, 1, 1, 0) }),
  };
}

export function randomBytes(rng: Rng, n: number): Uint8Array {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = rng() & 255;
  return out;
}

/** An ICMP error about `quoted`; `tunnel`: the quote is to reach into what a tunnel carries. */
export function randomError(rng: Rng, head: IpParts, quoted: Uint8Array, tunnel: boolean): Buffer {
  const six = head.source.includes(':');
  const size = oneOf(rng, tunnel ? [120, 200] : six ? [48, 60, 200] : [28, 40, 200]);
  // RFC 792: the header and eight bytes. Netfilter drops what has less.
  const quote = quoted.subarray(0, six ? size : Math.max(size, (quoted[0] & 15) * 4 + 8));
  const kinds = six ? ERRORS6 : ERRORS4;
  // About a message of the host's own, a path MTU would be learned by the host alone, for everything that it forwards there.
  const own = [ICMP, ICMP6].includes(protocolOf(quoted));
  const [type, code, rest] = oneOf(rng, own ? kinds.filter(k => k[2] === 0) : kinds);
  return icmp(head, type, code, rest, quote);
}

/** A client's packet that belongs to no service, or to no connection. */
export function randomStray(rng: Rng, service: Service): { what: string; packet: Buffer } {
  const six = service.cell.family === 6;
  const client = six ? '2001:db8:777::7' : '198.51.77.7';
  const head = randomHead(rng, client, service.key.address);
  const kind = below(rng, 6);
  const ends = { sport: 1024 + below(rng, 60_000), dport: kind < 3 ? service.key.port || 80 : 7777 };
  if (kind === 0 || kind === 3)
    return { what: 'stray', packet: udp(head, { ...ends, payload: randomBytes(rng, 20) }) };
  if (kind < 5) {
    const full = service.cell.forward === 'fullnat';
    const flags = oneOf(rng, [syn, ack, rst, fin, full ? ack : syn | ack, fin | ack]);
    return { what: 'stray', packet: tcp(head, { ...ends, flags }) };
  }
  const back = randomHead(rng, service.key.address, client);
  const inner = tcp(back, { sport: ends.dport, dport: ends.sport, flags: ack });
  const error = six ? icmp(head, 1, 4, 0, inner) : icmp(head, 3, 3, 0, inner);
  return { what: 'stray error', packet: oneOf(rng, [error, ip(head, 132, randomBytes(rng, 40))]) };
}
