// Why a scheduler picked this server, in words and figures, from the servers as they were before the pick. The pick itself is the
// running core's; this only tells what it looked at.
import { hash32, siphash13 } from '../../kit/hash.ts';
import { formatEndpoint, parseIp } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import type { DestInfo } from '../director.ts';
import { foldAddress } from '../sched/fold.ts';
import type { Endpoint } from './craft.ts';

/** A server as the scheduler saw it. */
export interface Candidate {
  key: string;
  name: string;
  weight: number;
  active: number;
  inactive: number;
  /** What the scheduler compares, where it compares figures: the least wins. */
  value?: number;
  /** Why it cannot be picked. */
  barred?: string;
  picked: boolean;
}

export interface Reasoning {
  rule: string;
  candidates: Candidate[];
}

const OVERHEAD = 'overhead = 256 x active + inactive connections';
const HASH_BITS = 8;
const MH_ENTRIES = 4093;
const MH_KEY = 2654435761;

const RULES: Readonly<Record<ServiceSpec['scheduler'], string>> = {
  rr: 'takes turns down the list, newest server first: the next one that is available',
  wrr: 'takes turns, each server as often as its weight says',
  lc: `the least ${OVERHEAD}`,
  wlc: `the least overhead / weight; ${OVERHEAD}`,
  sed: 'the least (active + 1) / weight: the shortest expected delay',
  nq: 'the first without an active connection, else the least (active + 1) / weight',
  fo: 'the highest weight',
  ovf: 'the highest weight that has no more active connections than that',
  lblc: 'the server that this destination was given before, unless it is overloaded; else the least overhead / weight',
  lblcr:
    'the least loaded of the servers that this destination was given before; overloaded, it gets one more',
  dh: 'the server of the destination’s bucket',
  sh: 'the server of the client’s bucket',
  mh: 'the server of the client’s entry in the Maglev table',
  twos: 'two dice thrown by weight; of the two the one with the lesser overhead / weight',
};

/** What the scheduler of `spec` goes by for a flow; `before`: its servers before the pick, `picked`: the key of the one chosen. */
export function reasoning(
  spec: ServiceSpec,
  before: readonly DestInfo[],
  client: Endpoint,
  picked: string | undefined,
): Reasoning {
  const names = new Map(spec.realServers.map(rs => [formatEndpoint(rs.address, rs.port), rs.name]));
  const candidates = before.map(d => {
    const key = formatEndpoint(d.address, d.port);
    const value = figure(spec.scheduler, d);
    const barred = d.weight === 0 ? 'weight 0' : d.overload ? 'at its upper threshold' : undefined;
    const { weight, active, inactive } = d;
    return {
      key,
      name: names.get(key) ?? key,
      weight,
      active,
      inactive,
      ...(value !== undefined && { value }),
      ...(barred !== undefined && { barred }),
      picked: key === picked,
    };
  });
  return { rule: `${spec.scheduler}: ${RULES[spec.scheduler]}${bucket(spec, client)}`, candidates };
}

function figure(scheduler: ServiceSpec['scheduler'], d: DestInfo): number | undefined {
  const overhead = 256 * d.active + d.inactive;
  if (scheduler === 'lc') return overhead;
  if (d.weight === 0) return undefined;
  if (['wlc', 'lblc', 'lblcr', 'twos'].includes(scheduler)) return overhead / d.weight;
  if (scheduler === 'sed' || scheduler === 'nq') return (d.active + 1) / d.weight;
  return undefined;
}

// The place that the hash leads to, by the schedulers' own functions.
function bucket({ scheduler, flags, address }: ServiceSpec, client: Endpoint): string {
  const port = flags.includes(`${scheduler}-port`);
  const further = flags.includes(`${scheduler}-fallback`)
    ? '; were it not available, the next place that has one'
    : '; were it not available, the connection would be refused';
  const key = fold(client.address) + (port ? client.port : 0);
  const of = port ? 'address and port' : 'address';
  if (scheduler === 'sh') return ` (${of} hash to bucket ${hash32(key, HASH_BITS)} of 256)${further}`;
  if (scheduler === 'mh')
    return ` (${of} hash to entry ${siphash13(key | 0, MH_KEY, MH_KEY) % MH_ENTRIES} of ${MH_ENTRIES})${further}`;
  if (scheduler === 'dh') return ` (${address} hashes to bucket ${hash32(fold(address), HASH_BITS)} of 256)`;
  return '';
}

function fold(address: string): number {
  const bytes = parseIp(address) as Uint8Array;
  return foldAddress(bytes, 0, bytes.length === 4 ? 4 : 6);
}
