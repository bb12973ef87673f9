// Services as ipvsadm's rules, as `ipvsadm -S -n` writes them, with the thresholds that it leaves out. `ipvsadm -R` takes them.
// Invariant: what readRules makes of the text is the same services, but for what is told as left out.
import { formatEndpoint } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { type RuleService, SCHED_FLAGS, TIMEOUTS } from './rule.ts';

export interface RulesWritten {
  text: string;
  /** What ipvsadm has no words for, one a line: services that are not in the text, and settings that it does not carry. */
  leftOut: string[];
}

/** A service as it can be told, by rules or by the admin API. */
export type Writable = RuleService & Partial<Pick<ServiceSpec, 'toa'>>;

const FORWARD = { nat: '-m', dr: '-g', tun: '-i' } as const;

/** The rules of these services, in their order. */
export function writeRules(services: readonly Writable[]): RulesWritten {
  const lines: string[] = [];
  const leftOut: string[] = [];
  const written = services.filter(s => s.forward !== 'fullnat');
  for (const s of services)
    if (s.forward === 'fullnat') leftOut.push(`${keyOf(s)} is left out: IPVS has no fullnat`);
  const set = timeoutsOf(written, leftOut);
  if (set !== undefined) lines.push(`--set ${set.join(' ')}`);
  for (const s of written) {
    lines.push(serviceLine(s));
    if (s.forward === 'tun' && s.tunnel.sourcePrefix !== undefined)
      leftOut.push(`${keyOf(s)}: source_prefix ${s.tunnel.sourcePrefix} is not in the rules`);
    for (const server of s.realServers) lines.push(serverLine(s, server));
  }
  return { text: lines.map(l => `${l}\n`).join(''), leftOut };
}

// ipvsadm has one set for all services.
function timeoutsOf(services: readonly Writable[], leftOut: string[]): number[] | undefined {
  const all = services.map(({ timeouts = TIMEOUTS }) =>
    [timeouts.tcp, timeouts.tcp_fin, timeouts.udp].map(ms => Math.max(1, Math.round(ms / 1000))),
  );
  const distinct = new Map(all.map(t => [t.join(' '), t]));
  if (distinct.size > 1)
    leftOut.push('time-outs are not in the rules: IPVS has one set for all services, these have several');
  const [only] = distinct.values();
  const plain = [TIMEOUTS.tcp, TIMEOUTS.tcp_fin, TIMEOUTS.udp].map(ms => ms / 1000).join(' ');
  return distinct.size === 1 && only.join(' ') !== plain ? only : undefined;
}

function serviceLine(s: Writable): string {
  const flags = (SCHED_FLAGS[s.scheduler] ?? []).filter(f => s.flags.includes(f));
  return [
    '-A',
    nameOf(s),
    `-s ${s.scheduler}`,
    s.persistence > 0 ? `-p ${Math.max(1, Math.round(s.persistence / 1000))}` : '',
    s.flags.includes('ops') ? '-o' : '',
    flags.length > 0 ? `-b ${flags.join(',')}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function serverLine(s: Writable, { address, port, weight }: RuleService['realServers'][number]): string {
  const { upper, lower } = s.thresholds;
  return [
    '-a',
    nameOf(s),
    `-r ${formatEndpoint(address, port)}`,
    FORWARD[s.forward as keyof typeof FORWARD],
    `-w ${weight}`,
    s.forward === 'tun' ? tunnelText(s.tunnel) : '',
    upper > 0 ? `-x ${upper}` : '',
    lower > 0 ? `-y ${lower}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function tunnelText({ type, port, checksum }: ServiceSpec['tunnel']): string {
  if (type === 'ipip') return '--tun-type ipip';
  const sum = checksum ? '--tun-csum' : '--tun-nocsum';
  return type === 'gue' ? `--tun-type gue --tun-port ${port} ${sum}` : `--tun-type gre ${sum}`;
}

function nameOf({ protocol, address, port }: Writable): string {
  return `${protocol === 'tcp' ? '-t' : '-u'} ${formatEndpoint(address, port)}`;
}

function keyOf({ protocol, address, port }: Writable): string {
  return `${protocol} ${formatEndpoint(address, port)}`;
}
