// `gtm status` as text: NodeStatus → head, alarms, then one table a subject. Pure; the page shows the same.
import { formatDuration } from '../kit/duration.ts';
import { formatCount, formatPercent, formatWeight, plain } from '../kit/text.ts';
import type { NodeStatus, RealServerStatus, VipStatus } from '../model/status.ts';
import { type Cell, type Column, type Paint, type Tone, table } from './table.ts';

const TONE: Record<string, Tone> = { up: 'good', down: 'bad', drain: 'hold', maint: 'hold' };
const right = (head: string): Column => ({ head, right: true });
const left = (head: string): Column => ({ head });

/** The whole screen, lines without control characters but for the paint's. Times are UTC. */
export function statusText(s: NodeStatus, paint: Paint): string {
  const blocks = [
    [...head(s, paint), ...alarms(s, paint)],
    pools(s, paint),
    vips(s, paint),
    overrides(s, paint),
    schedules(s, paint),
    nodes(s, paint),
  ];
  return `${blocks
    .filter(b => b.length > 0)
    .map(b => b.join('\n'))
    .join('\n\n')}\n`;
}

function head(s: NodeStatus, paint: Paint): string[] {
  const facts = [
    plain(`site ${s.site}`),
    s.ready ? paint('good', 'ready') : paint('hold', 'not ready'),
    `up ${seconds(s.uptime)}`,
    plain(`coordinator ${s.coordinator.mode}`),
    `snapshot ${s.generation}`,
    `queries ${formatCount(s.dns.queries)}`,
  ];
  const zones = s.zones.map(z => `${z.name} ${z.serial}`).join(', ') || 'none';
  return [
    `${paint('bold', plain(s.node))}  ${facts.join('  ')}`,
    plain(
      `config ${s.config.file}${s.config.error === undefined ? '' : ' (last reload refused)'}  zones ${zones}  dns ${s.dns.listen.join(' ') || 'none'}`,
    ),
  ];
}

function alarms(s: NodeStatus, paint: Paint): string[] {
  const { lastDrop } = s.coordinator;
  const dropped = lastDrop === undefined ? [] : [`coordinator: last record not believed: ${lastDrop}`];
  return [...s.alarms, ...dropped].map(a => paint('bad', `! ${plain(a)}`));
}

function state(word: string, forced = false, stale = false): Cell {
  const text = `${word}${forced ? ' (forced)' : ''}${stale ? ' (stale)' : ''}`;
  return { text, tone: TONE[word] ?? 'dim' };
}

function pools(s: NodeStatus, paint: Paint): string[] {
  const columns = [
    left('POOL'),
    left('POLICY'),
    left('MEMBER'),
    left('SITE'),
    left('STATE'),
    right('WEIGHT'),
  ];
  columns.push(right('EFFECTIVE'), right('SHARE'), left('WHY'));
  const rows = s.pools.flatMap(p =>
    p.members.map((m, i) => [
      i === 0 ? p.name : '',
      i === 0 ? p.policy : '',
      m.vip,
      m.site,
      state(m.state, m.forced, m.stale),
      String(m.weight),
      formatWeight(m.effective),
      formatPercent(m.share),
      m.why || '-',
    ]),
  );
  return rows.length === 0 ? [] : table(columns, rows, paint);
}

function vips(s: NodeStatus, paint: Paint): string[] {
  const columns = [
    left('VIP'),
    left('SITE'),
    left('STATE'),
    right('CAPACITY'),
    left('VOTES'),
    left('REAL SERVER'),
  ];
  columns.push(left('ADDRESS'), left('STATE'), right('WEIGHT'), right('CONNS'), left('LAST PROBE'));
  const rows = s.vips.flatMap(v => {
    const votes = Object.entries(v.votes).map(([site, vote]) => `${site} ${vote}`);
    const seen = v.forwardedHere ? [] : [`seen ${v.sight}`];
    const own = [
      v.name,
      v.site,
      state(v.state),
      formatPercent(v.capacity),
      [...votes, ...seen].join(', ') || '-',
    ];
    const none = ['', '', '', '', ''];
    if (v.realServers.length === 0) return [[...own, '-', '', '', '', '', '']];
    return v.realServers.map((r, i) => [...(i === 0 ? own : none), ...realServer(s, v, r)]);
  });
  return rows.length === 0 ? [] : table(columns, rows, paint);
}

function realServer(s: NodeStatus, v: VipStatus, r: RealServerStatus): (string | Cell)[] {
  const open = s.services
    .filter(x => x.vip === v.name)
    .flatMap(x => x.realServers)
    .filter(x => x.key === r.key)
    .reduce((n, x) => n + x.active + x.inactive, 0);
  const since = r.state === 'unchecked' ? '' : ` (${r.state} for ${seconds(r.for)})`;
  return [r.name, r.key, state(r.state), String(r.weight), formatCount(open), `${r.result}${since}`];
}

function overrides(s: NodeStatus, paint: Paint): string[] {
  const columns = [left('OVERRIDE'), left('SAYS'), left('WHO'), left('UNTIL'), left('WHY')];
  const rows = s.overrides.map(o => [
    o.target,
    o.state === 'ready' ? `weight ${formatPercent(o.weight ?? 1)}` : state(o.state),
    o.who,
    o.until === undefined ? 'taken back' : clock(o.until),
    o.reason,
  ]);
  return rows.length === 0 ? [] : table(columns, rows, paint);
}

function schedules(s: NodeStatus, paint: Paint): string[] {
  const columns = [left('SCHEDULE'), left('STATE'), left('UNTIL OR NEXT')];
  const rows = s.schedules.map(x => [
    x.name,
    x.active ? { text: 'active', tone: 'hold' as const } : 'at rest',
    (x.active ? x.until : x.next) ?? '-',
  ]);
  return rows.length === 0 ? [] : table(columns, rows, paint);
}

function nodes(s: NodeStatus, paint: Paint): string[] {
  const columns = [left('PEER'), left('SITE'), left('STATE'), left('DETAIL')];
  const peers = s.peers.map(p => [
    p.node,
    p.site,
    p.fresh ? { text: 'in touch', tone: 'good' as const } : { text: 'silent', tone: 'bad' as const },
    `last report ${seconds(p.age)} ago`,
  ]);
  const backends = s.coordinator.backends.map(b => [
    b.url,
    '-',
    state(b.state),
    b.error ?? `since ${clock(b.since)}`,
  ]);
  const rows = [...peers, ...backends];
  return rows.length === 0 ? [] : table(columns, rows, paint);
}

// Nobody reads milliseconds here.
function seconds(ms: number): string {
  return formatDuration(Math.floor(ms / 1000) * 1000);
}

/** `2026-11-22 14:30:00Z` of wall-clock ms. */
export function clock(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}
