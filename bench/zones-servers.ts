// The zones that are loaded, and the servers that load them: the same files for all, each with one worker.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerKind } from './dns-servers.ts';
import { prepareKnot, prepareNsd } from './peer-config.ts';

/** A set of zones on disk, and questions over it whose answers are known. */
export interface ZoneSet {
  dir: string;
  /** Name and file, relative to `dir`. */
  zones: { name: string; file: string }[];
  questions: { name: string; address: string }[];
}

const HEAD = `$TTL 3600
@ IN SOA ns1 hostmaster 1 3600 900 2592000 60
@ IN NS ns1
ns1 IN A 192.0.2.1
`;

function address(i: number): string {
  return `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
}

// The first, one in the middle and the last: a server that answers the last has not always read the others.
function asked(count: number): number[] {
  return [0, count >> 1, count - 1];
}

/** One zone with `count` names of one address each. */
export function oneZone(dir: string, count: number): ZoneSet {
  mkdirSync(join(dir, 'zones'), { recursive: true });
  const lines = [HEAD];
  for (let i = 0; i < count; i++) lines.push(`host-${i} IN A ${address(i)}\n`);
  const file = 'zones/big.example.zone';
  writeFileSync(join(dir, file), lines.join(''));
  const questions = asked(count).map(i => ({ name: `host-${i}.big.example`, address: address(i) }));
  return { dir, zones: [{ name: 'big.example', file }], questions };
}

/** `count` zones of seven records each, a thousand in a folder. */
export function manyZones(dir: string, count: number): ZoneSet {
  const zones = Array.from({ length: count }, (_, i) => {
    const folder = join('zones', String(Math.floor(i / 1000)));
    const name = `zone${i}.example`;
    const file = join(folder, `${name}.zone`);
    if (i % 1000 === 0) mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(
      join(dir, file),
      `${HEAD}www IN A ${address(i)}\nmail IN A ${address(i)}\n@ IN MX 10 mail\n`,
    );
    return { name, file };
  });
  const questions = asked(count).map(i => ({ name: `www.zone${i}.example`, address: address(i) }));
  return { dir, zones, questions };
}

/** A server: how it is started over a set of zones. */
export interface Loading extends ServerKind {
  configure(set: ZoneSet, dir: string, port: number): string[];
}

const ROOT = join(import.meta.dirname, '..', '..');

export const LOADERS: readonly Loading[] = [
  {
    name: 'switchyard',
    program: 'node',
    prepare: () => [],
    configure({ dir: files }, dir, port) {
      // Its zones lie in folders below it, so it stands with them; its state does not.
      const config = join(files, `gtm-${port}.yaml`);
      writeFileSync(config, ourConfig(port, join(dir, 'state')));
      return [process.execPath, join(ROOT, 'dist', 'src', 'main.js'), 'serve', '--quiet', '--config', config];
    },
  },
  {
    name: 'NSD',
    program: 'nsd',
    debian: 'nsd',
    prepare: () => [],
    configure: ({ dir: files, zones }, dir, port) => prepareNsd(dir, port, files, zones),
  },
  {
    name: 'Knot',
    program: 'knotd',
    debian: 'knot',
    prepare: () => [],
    configure: ({ dir: files, zones }, dir, port) => prepareKnot(dir, port, files, zones),
  },
];

/** The cluster file of one node that answers from every zone file below it. */
export function ourConfig(port: number, state: string): string {
  return `cluster: bench
state_dir: ${state}
sites: { here: {} }
nodes: { bench: { site: here, dns: { listen: [127.0.0.1:${port}] }, admin: { listen: 127.0.0.1:${port + 1} } } }
vips: {}
pools: {}
zones: {}
zone_folders: [zones]
`;
}
