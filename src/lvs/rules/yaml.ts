// Services of rules as the `vips:` section of a cluster file: one VIP for each address, named by it; no key that is the default.
import { formatDuration, parseDuration } from '../../kit/duration.ts';
import { PLAIN, type RuleService, TIMEOUTS } from './rule.ts';

/** The section as YAML. Rules say no site, and no check of the servers. */
export function vipsYaml(services: readonly RuleService[], site: string): string {
  const byAddress = new Map<string, RuleService[]>();
  for (const s of services) byAddress.set(s.address, [...(byAddress.get(s.address) ?? []), s]);
  const lines = ['vips:'];
  for (const [address, own] of byAddress) {
    lines.push(
      `  ${nameOf(address)}:`,
      `    site: ${site}`,
      `    addresses: [${quoted(address)}]`,
      '    services:',
    );
    for (const s of own) lines.push(...serviceLines(s));
  }
  return `${lines.join('\n')}\n`;
}

function serviceLines(s: RuleService): string[] {
  const { tunnel, thresholds, timeouts } = s;
  const lines = [
    `protocol: ${s.protocol}`,
    `port: ${s.port}`,
    `scheduler: ${s.scheduler}`,
    ...(s.flags.length > 0 ? [`flags: [${s.flags.join(', ')}]`] : []),
    `forward: ${s.forward}`,
    ...(s.forward === 'tun' && tunnel.type !== 'ipip' ? [tunnelLine(tunnel)] : []),
    ...(s.persistence > 0 ? [`persistence: ${duration(s.persistence)}`] : []),
    ...(thresholds.upper > 0
      ? [`thresholds: { upper: ${thresholds.upper}, lower: ${thresholds.lower} }`]
      : []),
    ...(timeouts === undefined ? [] : timeoutLine(timeouts)),
    'real_servers:',
    ...s.realServers.map(
      rs => `  - { address: ${quoted(rs.address)}, port: ${rs.port}, weight: ${rs.weight} }`,
    ),
  ];
  return lines.map((l, i) => (i === 0 ? `      - ${l}` : `        ${l}`));
}

function tunnelLine({ type, port, checksum }: RuleService['tunnel']): string {
  const more = [
    ...(type === 'gue' && port !== PLAIN.tunnel.port ? [`port: ${port}`] : []),
    ...(checksum ? ['checksum: true'] : []),
  ];
  return `tunnel: { ${[`type: ${type}`, ...more].join(', ')} }`;
}

function timeoutLine(timeouts: NonNullable<RuleService['timeouts']>): string[] {
  const said = (['tcp', 'tcp_fin', 'udp'] as const).filter(k => timeouts[k] !== TIMEOUTS[k]);
  if (said.length === 0) return [];
  return [`timeouts: { ${said.map(k => `${k}: ${duration(timeouts[k])}`).join(', ')} }`];
}

// `vip-192-0-2-10`, `vip-2001-db8--10`: a name as the schema wants it.
function nameOf(address: string): string {
  return `vip-${address.replaceAll(/[.:]/g, '-')}`.replace(/-+$/, '-0');
}

// In flow lists a colon would begin a mapping.
function quoted(address: string): string {
  return address.includes(':') ? `"${address}"` : address;
}

// For people where that says all of it.
function duration(ms: number): string {
  const text = formatDuration(ms);
  return parseDuration(text) === ms ? text : `${ms}ms`;
}
