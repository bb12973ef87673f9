// What stands on this host, from `ip -json` (iproute2) and /proc/sys.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { GtmError, reason } from '../kit/errors.ts';
import type { Address, Facts, Link, Route } from './wish.ts';

/** Where the programs are had. */
const PACKAGE = { ip: 'iproute2', modprobe: 'kmod' } as const;

/** Runs `ip` with these words; its stdout. Rejects with GTM_REALSERVER and what it said. */
export function runIp(words: readonly string[]): Promise<string> {
  return runProgram('ip', words);
}

/** The same for another program. */
export async function runProgram(program: keyof typeof PACKAGE, words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, [...words], {
      timeout: 10_000,
      maxBuffer: 64 << 20,
    });
    return stdout;
  } catch (e) {
    if ((e as { code?: unknown }).code === 'ENOENT')
      throw new GtmError(
        'GTM_REALSERVER',
        `the program «${program}» is missing: install ${PACKAGE[program]}`,
        e,
      );
    const { stderr } = e as { stderr?: string };
    const said = stderr?.trim().split('\n')[0];
    const denied = said !== undefined && /not permitted/.test(said);
    const cause = denied ? Object.assign(new Error(said), { code: 'EPERM' }) : undefined;
    throw new GtmError('GTM_REALSERVER', `${program} ${words.join(' ')}: ${said ?? reason(e)}`, cause);
  }
}

/** `ways`: addresses to which the way is wanted. */
export async function readFacts(ways: readonly string[]): Promise<Facts> {
  const [links, addresses, four, six, fou] = await Promise.all([
    list(['-d', 'link', 'show']),
    list(['address', 'show']),
    list(['-4', 'route', 'show', 'table', 'main']),
    list(['-6', 'route', 'show', 'table', 'main']),
    list(['fou', 'show']).catch(() => undefined),
  ]);
  const wayTo = new Map<string, { device: string; via?: string }>();
  for (const address of ways) {
    const [way] = await list(['route', 'get', address]).catch(() => []);
    if (way !== undefined && way['type'] === undefined)
      wayTo.set(address, { device: text(way['dev']), ...optional('via', way['gateway']) });
  }
  return {
    links: links.map(linkOf),
    addresses: addresses.flatMap(addressesOf),
    routes: [...four.map(r => routeOf(r, 4)), ...six.map(r => routeOf(r, 6))],
    fou: fou?.map(f => ({ port: Number(f['port']), six: f['family'] === 'inet6' })),
    wayTo,
    sysctl: readSysctl,
  };
}

export function sysctlPath(key: string): string {
  // A link's name may hold dots: only those around it are separators.
  const conf = /^(net\.ipv[46]\.conf)\.(.+)\.(\w+)$/.exec(key);
  const parts = conf === null ? key.split('.') : [...conf[1].split('.'), conf[2], conf[3]];
  return `/proc/sys/${parts.join('/')}`;
}

function readSysctl(key: string): string | undefined {
  try {
    return readFileSync(sysctlPath(key), 'utf8').trim();
  } catch {
    return undefined;
  }
}

type Row = Record<string, unknown>;

async function list(words: readonly string[]): Promise<Row[]> {
  const stdout = await runIp(['-j', ...words]);
  if (stdout.trim() === '') return [];
  // Some versions print an empty object for a family that is not there.
  return (JSON.parse(stdout) as Row[]).filter(row => Object.keys(row).length > 0);
}

function linkOf(row: Row): Link {
  const flags = row['flags'] as string[];
  const info = row['linkinfo'] as Row | undefined;
  const data = info?.['info_data'] as Row | undefined;
  return {
    name: text(row['ifname']),
    mtu: Number(row['mtu']),
    up: flags.includes('UP'),
    broadcast: flags.includes('BROADCAST') && !flags.includes('NOARP'),
    ...optional('kind', info?.['info_kind']),
    ...optional('local', data?.['local']),
    ...optional('remote', data?.['remote']),
    ...optional('carries', data?.['proto']),
  };
}

function addressesOf(row: Row): Address[] {
  return ((row['addr_info'] as Row[] | undefined) ?? [])
    .filter(a => a['local'] !== undefined)
    .map(a => ({ device: text(row['ifname']), address: text(a['local']), prefix: Number(a['prefixlen']) }));
}

function routeOf(row: Row, family: 4 | 6): Route {
  const metrics = (row['metrics'] as Row[] | undefined)?.[0] ?? {};
  const pairs: [string, unknown][] = [
    ['via', row['gateway'] ?? (row['via'] as Row | undefined)?.['host']],
    ['dev', row['dev']],
    ['proto', row['protocol']],
    ['scope', row['scope']],
    ['src', row['prefsrc']],
    ['metric', row['metric']],
    ['pref', row['pref']],
    ...Object.entries(metrics),
  ];
  const onlink = (row['flags'] as string[] | undefined)?.includes('onlink') ? ['onlink'] : [];
  const to = text(row['dst']);
  return {
    family,
    to,
    device: text(row['dev']),
    ...optional('via', row['gateway']),
    ...(row['metric'] !== undefined && { metric: Number(row['metric']) }),
    ...(metrics['advmss'] !== undefined && { advmss: Number(metrics['advmss']) }),
    words: [to, ...pairs.flatMap(([k, v]) => (v === undefined ? [] : [k, String(v)])), ...onlink],
  };
}

function text(value: unknown): string {
  return value === undefined ? '' : String(value);
}

function optional<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: String(value) }) as { [P in K]?: string };
}
