// The whole story of one packet: its way in, why this server, what the server does with it, and the way of its answer.
import { formatDuration } from '../../kit/duration.ts';
import { formatEndpoint, formatIp, parseEndpoint, parseIp } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import type { ConnectionInfo } from '../director.ts';
import { answerTo } from './craft.ts';
import { type Passed, received, type Simulator, type Way } from './simulator.ts';
import { endsOf, type Mac, type PacketView, viewOf } from './view.ts';
import { type Candidate, reasoning } from './why.ts';

export interface Journey {
  request: Way;
  /** Whose packet it was. */
  service?: { key: string; vip: string; forward: ServiceSpec['forward']; scheduler: string };
  server?: { key: string; name: string; why: string; candidates: Candidate[] };
  connection?: { state: string; expires: number; local?: string };
  /** What the server gets out of the frame, and what it must have for that. */
  received?: { packet: PacketView; needs: string };
  /** `way` where the answer passes the director; else it goes to the client by itself. */
  answer?: { packet: PacketView; through: boolean; words: string; way?: Way };
}

const NEEDS: Readonly<Record<ServiceSpec['forward'], string>> = {
  nat: 'its default route must lead through the director, or answers get lost',
  dr: 'it must have the virtual address itself (lo, without answering ARP), and be on the director’s link',
  tun: 'it takes the packet out of the tunnel, and must have the virtual address itself (lo)',
  fullnat: 'no need of a route or an address: for it the director is the client',
};
const ANSWERS: Readonly<Record<ServiceSpec['forward'], string>> = {
  nat: 'the server answers to the client; its default route leads it through the director, which puts the virtual address back',
  dr: 'the server answers to the client itself, from the virtual address: the director sees nothing of it',
  tun: 'the server answers to the client itself, from the virtual address: the director sees nothing of it',
  fullnat:
    'the server answers to the local address: the director gives it the virtual address and the client back',
};

/** Plays `packet` and, where it reached a server, the server's answer. Times in monotonic ms. */
export function journey(simulator: Simulator, packet: Uint8Array, now: number, mac: Mac): Journey {
  const templates = [...simulator.director.connections()].filter(c => c.template);
  const passed = simulator.pass(packet, now, mac);
  const { way, served } = passed;
  const story: Journey = { request: way };
  const spec = served && specOf(simulator, passed);
  if (spec === undefined || served === undefined) return story;
  const { key, vip, forward, scheduler } = spec;
  story.service = { key, vip, forward, scheduler };
  const ends = endsOf(way.arrives);
  const forth = way.reason === 'scheduled' || way.reason === 'forwarded';
  const open = forth ? connectionOf(simulator, ends) : undefined;
  const told = explain(spec, passed, ends.source, open, templates);
  const name = spec.realServers.find(rs => rs.key === served.server)?.name ?? served.server;
  story.server = { key: served.server, name, ...told };
  if (open !== undefined) {
    const { state, expires, local } = open;
    const at = local && formatEndpoint(local.address, local.port);
    story.connection = { state, expires, ...(at && { local: at }) };
  }
  if (!forth || way.verdict !== 'transmit') return story;
  const inside = received(simulator, passed.out);
  const packetThere = viewOf(inside, simulator.hints, way.leaves?.mac);
  story.received = { packet: packetThere, needs: NEEDS[forward] };
  const answer = answerTo(inside);
  if (answer !== undefined) story.answer = answered(simulator, spec, answer, now, way, mac);
  return story;
}

function answered(
  simulator: Simulator,
  spec: ServiceSpec,
  answer: Uint8Array,
  now: number,
  way: Way,
  mac: Mac,
): NonNullable<Journey['answer']> {
  const through = spec.forward === 'nat' || spec.forward === 'fullnat';
  const server = way.leaves?.mac?.destination ?? 'mac(server)';
  if (through) {
    const back = simulator.pass(answer, now, { source: server, destination: mac.destination }).way;
    return { packet: back.arrives, through, words: ANSWERS[spec.forward], way: back };
  }
  const own = { source: server, destination: `${server.slice(0, -1)}-gw)` };
  return { packet: viewOf(answer, simulator.hints, own), through, words: ANSWERS[spec.forward] };
}

function specOf(simulator: Simulator, { before, served }: Passed): ServiceSpec | undefined {
  if (served === undefined) return undefined;
  const { protocol, address, port } = before[served.service];
  return simulator.services.find(
    s => s.protocol === protocol && s.port === port && canonical(s.address) === address,
  );
}

function connectionOf(
  { director }: Simulator,
  { source, destination, protocol }: ReturnType<typeof endsOf>,
): ConnectionInfo | undefined {
  for (const c of director.connections())
    if (
      !c.template &&
      c.protocol === protocol &&
      formatEndpoint(c.client.address, c.client.port) === source &&
      formatEndpoint(c.virtual.address, c.virtual.port) === destination
    )
      return c;
  return undefined;
}

function explain(
  spec: ServiceSpec,
  { before, served }: Passed,
  client: string,
  open: ConnectionInfo | undefined,
  templates: readonly ConnectionInfo[],
): { why: string; candidates: Candidate[] } {
  if (served?.opened !== true) {
    const rest = open === undefined ? '' : `: ${open.state}, ${formatDuration(open.expires)} to go`;
    return { why: `an open connection leads there${rest}; the scheduler is not asked`, candidates: [] };
  }
  const at = parseEndpoint(client) ?? { address: client, port: 0 };
  const dests = before[served?.service ?? 0].dests;
  const { rule, candidates } = reasoning(spec, dests, at, served?.server);
  if (spec.persistence === 0) return { why: rule, candidates };
  const life = formatDuration(spec.persistence);
  // Without a netmask a client is one address.
  const known = templates.some(
    t =>
      canonical(t.client.address) === canonical(at.address) &&
      canonical(t.virtual.address) === canonical(spec.address) &&
      t.protocol === spec.protocol,
  );
  if (known)
    return {
      why: `persistence ${life}: this client was sent there before; the scheduler is not asked`,
      candidates: [],
    };
  return { why: `${rule}. For ${life} this client stays there (persistence)`, candidates };
}

function canonical(address: string): string {
  const bytes = parseIp(address);
  return bytes === undefined ? address : formatIp(bytes);
}
