// One zone for every server, and the questions about it: 2,000 names with an A record each, a pool of 8 VIPs, and 9 % of
// the questions about names that do not exist.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { below, seeded } from '../src/kit/rng.ts';

export const ORIGIN = 'bench.example';
const NAMES = 2000;
const MISSING = 0.09;
const QUESTIONS = 20_000;
/** On loopback, as the proxy plane of the bench's node stands on them. */
export const VIPS: readonly string[] = Array.from({ length: 8 }, (_, i) => `127.77.0.${i + 1}`);

export type Load = 'static' | 'pool';

const host = (i: number) => `host${i}`;
const address = (i: number) => `10.1.${i >> 8}.${i & 255}`;

/** The zone as text; `steered` is the record of the name `pool`, which is written differently for each server. */
export function zoneText(steered: string): string {
  return [
    '$TTL 300',
    `@ SOA ns1.${ORIGIN}. hostmaster.${ORIGIN}. 1 3600 900 2592000 60`,
    `@ NS ns1.${ORIGIN}.`,
    'ns1 A 127.0.0.1',
    steered,
    ...Array.from({ length: NAMES }, (_, i) => `${host(i)} A ${address(i)}`),
    '',
  ].join('\n');
}

/** Writes the questions as dnsperf reads them; returns the file. Always the same ones. */
export function writeQuestions(dir: string, load: Load): string {
  const rng = seeded(3);
  const lines = Array.from({ length: QUESTIONS }, () => {
    const i = below(rng, NAMES);
    if (below(rng, 10_000) < MISSING * 10_000) return `none${i}.${ORIGIN} A`;
    return `${load === 'pool' ? 'pool' : host(i)}.${ORIGIN} A`;
  });
  const file = join(dir, `questions-${load}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** A question to be asked for truth, and what may be answered. */
export interface Truth {
  name: string;
  rcode: 'NOERROR' | 'NXDOMAIN';
  addresses: readonly string[];
}

/** The `n`-th question of the samples. */
export function truth(load: Load, n: number): Truth {
  const i = (n * 37) % NAMES;
  if (n % 11 === 0) return { name: `none${i}.${ORIGIN}`, rcode: 'NXDOMAIN', addresses: [] };
  return load === 'pool'
    ? { name: `pool.${ORIGIN}`, rcode: 'NOERROR', addresses: VIPS }
    : { name: `${host(i)}.${ORIGIN}`, rcode: 'NOERROR', addresses: [address(i)] };
}

/** Writes our cluster file and zone; returns the file. */
export function writeOurs(dir: string, port: number, io: 'dgram' | 'batch', workers: number): string {
  mkdirSync(dir, { recursive: true });
  // A port of the VIPs for each of ours that runs at the same time.
  const service = `{ protocol: tcp, port: ${port + 2000}, real_servers: [{ address: 127.0.0.1, port: 9 }] }`;
  const vips = VIPS.map((v, i) => `  v${i}: { site: here, addresses: [${v}], services: [${service}] }`);
  const members = VIPS.map((_, i) => `{ vip: v${i}, weight: ${10 + i} }`).join(', ');
  const text = [
    'cluster: bench',
    `state_dir: ${join(dir, 'state')}`,
    'sites: { here: {} }',
    'nodes:',
    `  bench: { site: here, director: { plane: proxy }, dns: { listen: [127.0.0.1:${port}], io: ${io}, workers: ${workers} } }`,
    'vips:',
    ...vips,
    'pools:',
    `  web: { policy: weighted, answers: 1, ttl: 10s, members: [${members}] }`,
    `zones: { ${ORIGIN}: zone }`,
    '',
  ].join('\n');
  writeFileSync(join(dir, 'gtm.yaml'), text);
  writeFileSync(join(dir, 'zone'), zoneText('pool 10 POOL web'));
  return join(dir, 'gtm.yaml');
}

/** Writes what gdnsd wants in its folder: a zone, and a weighted resource of the VIPs. */
export function writeGdnsd(dir: string, port: number): void {
  mkdirSync(join(dir, 'zones'), { recursive: true });
  const members = VIPS.map((v, i) => `      v${i} => [ ${v}, ${10 + i} ]`);
  const text = [
    `options => { listen => 127.0.0.1:${port}, udp_threads => 1, tcp_threads => 1, state_dir => ${dir}/state, run_dir => ${dir}/run }`,
    'plugins => { weighted => { service_types => up, web => {',
    ...members,
    '} } }',
    '',
  ].join('\n');
  writeFileSync(join(dir, 'config'), text);
  writeFileSync(join(dir, 'zones', ORIGIN), zoneText('pool 10 DYNA weighted!web'));
}
