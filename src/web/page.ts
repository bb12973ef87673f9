// The page of a node: its NodeStatus as one HTML document, made on the server.
//   NodeStatus → band · alarms · pools · VIPs · overrides, schedules, peers → html
// A state is always a word and a sign beside its colour. Nothing is loaded from elsewhere; nothing on it changes anything.
import { createHash } from 'node:crypto';
import { formatDuration } from '../kit/duration.ts';
import { formatCount, formatPercent, formatWeight } from '../kit/text.ts';
import type { MemberStatus, NodeStatus, PoolStatus, RealServerStatus, VipStatus } from '../model/status.ts';
import { html, Markup } from './html.ts';
import { SCRIPT, STYLE } from './style.ts';

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The Content-Security-Policy that the page runs under: its own style and script by hash, and its own address to ask. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${hash(STYLE)}`,
  `script-src ${hash(SCRIPT)}`,
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SIGN: Record<string, [string, string]> = {
  up: ['up', '●'],
  down: ['down', '✕'],
  drain: ['hold', '◐'],
  maint: ['hold', '■'],
  unknown: ['none', '○'],
  unchecked: ['none', '○'],
};

/** The whole document, UTF-8, to be served under PAGE_POLICY. */
export function renderPage(s: NodeStatus): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${s.alarms.length > 0 && `(${s.alarms.length}) `}${s.node} · Switchyard</title>
<link rel="icon" href="data:,">
<noscript><meta http-equiv="refresh" content="2"></noscript>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<header><h1>${s.node} <small>site ${s.site} · cluster ${s.cluster} · Switchyard ${s.version}</small></h1><span id="late" role="status"></span></header>
${band(s)}
${alarms(s)}
${s.pools.map(pool)}
${s.vips.map(vip)}
${overrides(s)}
${schedules(s)}
${nodes(s)}
<footer>Configuration <code>${s.config.file}</code>, loaded ${s.config.loadedAt}${s.config.error !== undefined && ' (last reload refused)'}, snapshot ${s.generation} · zones ${s.zones.map(z => `${z.name} (${z.serial})`).join(', ') || 'none'} · <a href="/v1/status">JSON</a> · <a href="/metrics">metrics</a></footer>
</main>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text;
}

function band(s: NodeStatus): Markup {
  const members = s.pools.flatMap(p => p.members);
  const up = members.filter(m => m.state === 'up').length;
  const facts: [string, string][] = [
    ['State', s.ready ? '● ready' : '○ not ready'],
    ['Uptime', formatDuration(wholeSeconds(s.uptime))],
    ['Queries', formatCount(s.dns.queries)],
    ['Members up', `${up} of ${members.length}`],
    ['Coordinator', s.coordinator.mode],
    ['Peers in touch', `${s.peers.filter(p => p.fresh).length} of ${s.peers.length}`],
    ['Alarms', String(s.alarms.length)],
  ];
  return html`<section class="band">${facts.map(([k, v]) => html`<dl><dt>${k}</dt><dd>${v}</dd></dl>`)}</section>`;
}

function alarms(s: NodeStatus): Markup {
  const all = s.alarms;
  if (all.length === 0) return html`<section class="calm">No alarms.</section>`;
  return html`<section class="alarms" role="alert"><h2>▲ ${all.length} ${all.length === 1 ? 'alarm' : 'alarms'}</h2><ul>${all.map(a => html`<li>${a}</li>`)}</ul></section>`;
}

function state(word: string, forced = false, stale = false): Markup {
  const [kind, sign] = SIGN[word] ?? SIGN['unknown'];
  return html`<span class="state ${kind}">${sign} ${word}${forced && ' · forced'}${stale && ' · stale'}</span>`;
}

function pool(p: PoolStatus): Markup {
  const rule = p.allDown === undefined ? '' : ` · ▲ no member is up: answering ${p.allDown}`;
  return html`<section><h2>Pool ${p.name}<small>${p.policy} · ${p.answers} ${p.answers === 1 ? 'answer' : 'answers'} · TTL ${p.ttl} s${rule}</small></h2>
<table><thead><tr><th>Member<th>Site<th>State<th class="n">Weight<th class="n">Effective<th>Share<th>Why</tr></thead><tbody>${p.members.map(member)}</tbody></table></section>`;
}

function member(m: MemberStatus): Markup {
  return html`<tr><td><b>${m.vip}</b> <code>${m.addresses.join(' ')}</code></td><td>${m.site}</td><td>${state(m.state, m.forced, m.stale)}</td><td class="n">${m.weight}</td><td class="n">${formatWeight(m.effective)}</td><td>${bar(m.share)}${formatPercent(m.share)}</td><td class="why">${m.why}</td></tr>`;
}

// The width stands in an attribute of SVG, since the policy forbids style attributes.
function bar(share: number): Markup {
  const width = Math.max(0, Math.min(100, Math.round(share * 100)));
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="8"/><rect class="fill" width="${width}" height="8"/></svg>`;
}

function vip(v: VipStatus): Markup {
  const votes = Object.entries(v.votes).map(([site, vote]) => `${site} says ${vote}`);
  const seen = v.forwardedHere ? 'forwarded here' : `seen ${v.sight} from here`;
  const facts = [
    v.addresses.join(' '),
    `site ${v.site}`,
    `capacity ${formatPercent(v.capacity)}`,
    seen,
    ...votes,
  ];
  const servers = html`<table><thead><tr><th>Real server<th>Address<th>State<th>For<th class="n">Weight<th>Last probe</tr></thead><tbody>${v.realServers.map(realServer)}</tbody></table>`;
  return html`<section><h2>VIP ${v.name} ${state(v.state)}<small>${facts.join(' · ')}</small></h2>${v.realServers.length > 0 && servers}</section>`;
}

function realServer(r: RealServerStatus): Markup {
  return html`<tr><td><b>${r.name}</b></td><td><code>${r.key}</code></td><td>${state(r.state)}</td><td>${formatDuration(wholeSeconds(r.for))}</td><td class="n">${r.weight}</td><td class="why">${r.result}</td></tr>`;
}

function overrides(s: NodeStatus): Markup | false {
  if (s.overrides.length === 0) return false;
  const rows = s.overrides.map(
    o =>
      html`<tr><td><b>${o.target}</b></td><td>${o.state === 'ready' ? html`weight ${formatPercent(o.weight ?? 1)}` : state(o.state)}</td><td>${o.who}</td><td class="why">${o.reason}</td><td>${time(o.since)}</td><td>${o.until === undefined ? 'taken back' : time(o.until)}</td></tr>`,
  );
  return html`<section><h2>Overrides</h2><table><thead><tr><th>Target<th>Says<th>Who<th>Why<th>Since<th>Until</tr></thead><tbody>${rows}</tbody></table></section>`;
}

function schedules(s: NodeStatus): Markup | false {
  if (s.schedules.length === 0) return false;
  const rows = s.schedules.map(
    x =>
      html`<tr><td><b>${x.name}</b></td><td>${x.active ? html`<span class="state hold">◐ active</span>` : 'at rest'}</td><td>${x.active ? (x.until ?? '-') : (x.next ?? '-')}</td></tr>`,
  );
  return html`<section><h2>Schedules</h2><table><thead><tr><th>Schedule<th>State<th>Until or next</tr></thead><tbody>${rows}</tbody></table></section>`;
}

function nodes(s: NodeStatus): Markup | false {
  if (s.peers.length === 0 && s.coordinator.backends.length === 0) return false;
  const peers = s.peers.map(
    p =>
      html`<tr><td>node <b>${p.node}</b></td><td>site ${p.site}</td><td>${p.fresh ? html`<span class="state up">● in touch</span>` : html`<span class="state down">✕ silent</span>`}</td><td class="why">last report ${formatDuration(wholeSeconds(p.age))} ago</td></tr>`,
  );
  const backends = s.coordinator.backends.map(
    b =>
      html`<tr><td>coordinator</td><td><code>${b.url}</code></td><td>${state(b.state)}</td><td class="why">${b.error ?? `since ${time(b.since)}`}</td></tr>`,
  );
  return html`<section><h2>Nodes and coordinator</h2><table><tbody>${peers}${backends}</tbody></table></section>`;
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
