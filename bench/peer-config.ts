// Configurations of NSD and Knot as both are measured: one worker each, no rate limit, everything they write below `dir`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A zone and its file, which is relative to the folder of the files. */
export interface PeerZone {
  name: string;
  file: string;
}

/** Writes NSD's into `dir`, for zones below `files`; returns the command. */
export function prepareNsd(dir: string, port: number, files: string, zones: readonly PeerZone[]): string[] {
  const text = [
    'server:',
    ` ip-address: 127.0.0.1@${port}`,
    ' server-count: 1',
    ' rrl-ratelimit: 0',
    ' username: ""',
    ' chroot: ""',
    ` zonesdir: "${files}"`,
    ` pidfile: "${dir}/pid"`,
    ` xfrdfile: "${dir}/xfrd"`,
    ` xfrdir: "${dir}"`,
    ` zonelistfile: "${dir}/zonelist"`,
    ' database: ""',
    'remote-control:',
    ' control-enable: no',
    ...zones.map(z => `zone:\n name: ${z.name}\n zonefile: ${z.file}`),
    '',
  ];
  writeFileSync(join(dir, 'nsd.conf'), text.join('\n'));
  return ['nsd', '-d', '-c', join(dir, 'nsd.conf')];
}

/** Writes Knot's into `dir`, for zones below `files`, which it leaves as they are; returns the command. */
export function prepareKnot(dir: string, port: number, files: string, zones: readonly PeerZone[]): string[] {
  const text = [
    'server:',
    `  listen: 127.0.0.1@${port}`,
    `  rundir: ${dir}`,
    '  udp-workers: 1',
    '  tcp-workers: 1',
    '  background-workers: 1',
    'database:',
    `  storage: ${dir}`,
    'template:',
    '  - id: default',
    `    storage: ${files}`,
    '    zonefile-sync: -1',
    '    journal-content: none',
    'zone:',
    ...zones.map(z => `  - domain: ${z.name}\n    file: ${z.file}`),
    '',
  ];
  writeFileSync(join(dir, 'knot.conf'), text.join('\n'));
  return ['knotd', '-c', join(dir, 'knot.conf')];
}
