// What changes from one cluster file to the next, for the log of a reload. Things in lists go by what identifies them
// (a member by its VIP, a service by protocol and port, a real server by address and port), not by their position.
import { formatDuration } from '../kit/duration.ts';
import { formatEndpoint } from '../kit/ip.ts';
import type { Path } from './finding.ts';
import { unitAt } from './issues.ts';
import type { Config } from './schema.ts';
import { takesEnv } from './secrets.ts';

export interface Change {
  kind: 'create' | 'update' | 'delete';
  /** `pools.web.members[web-fra].weight`. */
  what: string;
  /** As written in the file (`10s`, `50%`); absent where a whole mapping came or went, and for secrets. */
  from?: string;
  to?: string;
}

/** The changes, sorted by what they are about; none when the files mean the same. */
export function diffConfig(old: Config, next: Config): Change[] {
  const changes: Change[] = [];
  compare(old, next, '', [], changes);
  return changes.sort((a, b) => (a.what < b.what ? -1 : a.what > b.what ? 1 : 0));
}

function compare(old: unknown, next: unknown, what: string, path: Path, out: Change[]): void {
  const before = partsOf(old);
  const after = partsOf(next);
  if (before === undefined || after === undefined) {
    const [from, to] = [old, next].map(v => (v === undefined ? undefined : textOf(v, path)));
    if (old !== undefined && next !== undefined && from === to && !takesEnv(path)) return;
    if (takesEnv(path) && JSON.stringify(old) === JSON.stringify(next)) return;
    const kind = old === undefined ? 'create' : next === undefined ? 'delete' : 'update';
    out.push({
      kind,
      what,
      ...(from !== undefined && from !== '' && { from }),
      ...(to !== undefined && to !== '' && { to }),
    });
    return;
  }
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [a, b] = [before.get(key), after.get(key)];
    const step = b?.step ?? a?.step ?? key;
    const name = typeof step === 'number' ? `${what}[${key}]` : what === '' ? key : `${what}.${key}`;
    compare(a?.value, b?.value, name, [...path, step], out);
  }
  // A list of the same things in another order: failover goes by it, and so does the kernel's list of real servers.
  const kept = [before, after].map((parts, i) =>
    [...parts.keys()].filter(k => [after, before][i].has(k)).join(', '),
  );
  if (Array.isArray(next) && kept[0] !== kept[1])
    out.push({ kind: 'update', what, from: `[${kept[0]}]`, to: `[${kept[1]}]` });
}

interface Part {
  step: string | number;
  value: unknown;
}

// The parts of a mapping by key, of a list of named things by their identity; undefined for what is one value.
function partsOf(value: unknown): Map<string, Part> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value))
    return isEndpoint(value)
      ? undefined
      : new Map(Object.entries(value).map(([k, v]) => [k, { step: k, value: v }]));
  if (value.length === 0 || typeof value[0] !== 'object') return undefined;
  const parts = new Map<string, Part>();
  for (const [i, item] of value.entries()) parts.set(identity(item) ?? String(i), { step: i, value: item });
  return parts;
}

function identity(item: Record<string, unknown>): string | undefined {
  if ('vip' in item) return String(item['vip']);
  if ('protocol' in item) return `${item['protocol']} ${item['port']}`;
  if ('address' in item) return formatEndpoint(String(item['address']), Number(item['port']));
  return undefined;
}

function textOf(value: unknown, path: Path): string {
  if (takesEnv(path)) return '';
  const unit = unitAt(path);
  if (unit === 'duration') return formatDuration(Number(value));
  if (unit === 'percent') return `${Math.round(Number(value) * 1e6) / 1e4}%`;
  if (Array.isArray(value)) return `[${value.map(v => textOf(v, [])).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return isEndpoint(value) ? formatEndpoint(value.address, value.port) : '';
}

function isEndpoint(value: object): value is { address: string; port: number } {
  return 'address' in value && 'port' in value && Object.keys(value).length === 2;
}
