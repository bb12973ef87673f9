// Commands as lines for people: what is added (+), changed (~), removed (-), in ipvsadm's words.
import { formatDuration } from '../../kit/duration.ts';
import type { Command } from './reconcile.ts';
import { type Dest, FLAG, METHOD, TUNNEL, type Virtual } from './table.ts';

const SIGN = { add: '+', set: '~', remove: '-' } as const;

/** `+ tcp 192.0.2.10:80 wlc`, `~ tcp 192.0.2.10:80 -> 10.0.0.11:80 weight 1 → 0`. */
export function commandText({ verb, service, dest, was }: Command): string {
  const of = dest === undefined ? service.key : `${service.key} -> ${dest.key}`;
  if (verb === 'remove') return `- ${of}`;
  const now = dest === undefined ? serviceWords(service as Virtual) : destWords(dest);
  if (verb === 'add' || was === undefined) return `${SIGN[verb]} ${of} ${Object.values(now).join(' ')}`;
  const before = 'scheduler' in was ? serviceWords(was) : destWords(was);
  const changed = Object.entries(now).filter(([k, v]) => before[k] !== v);
  return `~ ${of} ${changed.map(([k, v]) => `${before[k] || `no ${k}`} → ${v || `no ${k}`}`).join(', ')}`;
}

type Words = Record<string, string>;

function serviceWords(s: Virtual): Words {
  const bits = [FLAG.sched1, FLAG.sched2, FLAG.sched3].flatMap((f, i) =>
    (s.flags & f) === 0 ? [] : [`flag-${i + 1}`],
  );
  const persistent = (s.flags & FLAG.persistent) !== 0;
  return {
    scheduler: s.scheduler,
    ...(bits.length > 0 && { flags: bits.join(',') }),
    ...(persistent && { persistence: `persistent ${formatDuration(s.timeout * 1000)}` }),
    ...((s.flags & FLAG.ops) !== 0 && { ops: 'ops' }),
  };
}

function destWords(d: Dest): Words {
  const method = Object.entries(METHOD).find(([, n]) => n === d.method)?.[0] ?? String(d.method);
  const tunnel = Object.entries(TUNNEL).find(([, n]) => n === d.tunnel.type)?.[0] ?? '';
  return {
    forward: method,
    ...(d.method === METHOD.tun && { tunnel: d.tunnel.port === 0 ? tunnel : `${tunnel} ${d.tunnel.port}` }),
    weight: `weight ${d.weight}`,
    ...(d.upper + d.lower > 0 && { thresholds: `thresholds ${d.upper} ${d.lower}` }),
  };
}
