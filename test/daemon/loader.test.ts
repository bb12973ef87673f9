// The loader's thread: what it hands over, what it holds, and what its end costs.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { isSound, Loader, type Sound } from '../../src/daemon/loader.ts';
import { openZones, referZones } from '../../src/dns/zone/zones.ts';
import { formatDiagnostic } from '../../src/kit/diag.ts';
import { Server } from '../dns/serve.ts';

const YAML = `cluster: c
sites: { fra: {} }
nodes: { fra-1: { site: fra, dns: { listen: [127.0.0.1:5399] } } }
vips: {}
zones: { a.example: a.zone, b.example: b.zone }
`;
const zone = (address: string) =>
  `$TTL 60\n@ SOA ns h 1 1h 1h 1d 60\n@ NS ns\nns A 192.0.2.1\nwww A ${address}\n`;

let dir: string;
let loader: Loader;
const workers: Worker[] = [];
const collect = (w: Worker) => void workers.push(w);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gtm-loader-'));
  write('gtm.yaml', YAML);
  write('a.zone', zone('10.0.0.1'));
  write('b.zone', zone('10.0.1.1'));
  loader = new Loader(join(dir, 'gtm.yaml'), {});
  process.on('worker', collect);
});
afterEach(async () => {
  process.removeListener('worker', collect);
  workers.length = 0;
  await loader.close();
  rmSync(dir, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

async function load(...paths: string[]): Promise<Sound> {
  const loaded = await loader.load(paths.length === 0 ? undefined : paths);
  assert.ok(isSound(loaded), loaded.diagnostics.map(d => formatDiagnostic(d, loaded.sources)).join('\n'));
  return loaded;
}

function answer({ compiled }: Sound, question: string): string {
  const reply = new Server(openZones(referZones(compiled.directory), compiled.arena)).ask(question);
  return reply.answer.map(r => r.data).join(' ');
}

test('a load answers; the next one reads what changed, and the first answers as before while it is held', async () => {
  const one = await load();
  assert.equal(one.read, 2);
  assert.deepEqual(
    one.zones.map(z => z.name),
    ['a.example', 'b.example'],
  );
  const two = await load(write('a.zone', zone('10.0.0.2')));
  assert.equal(two.read, 1);
  assert.equal(two.zones, one.zones);
  assert.deepEqual(
    [answer(one, 'www.a.example A'), answer(two, 'www.a.example A')],
    ['10.0.0.1', '10.0.0.2'],
  );
  assert.equal(answer(two, 'www.b.example A'), '10.0.1.1');
  loader.hold([two.compiled.generation]);
  for (let i = 3; i < 30; i++) {
    const next = await load(write('a.zone', zone(`10.0.0.${i}`)));
    assert.equal(answer(two, 'www.a.example A'), '10.0.0.2');
    assert.equal(answer(next, 'www.a.example A'), `10.0.0.${i}`);
    loader.hold([two.compiled.generation, next.compiled.generation]);
  }
});

test('a load with an error has no zones to answer from, and shows the line', async () => {
  const good = await load();
  const a = write('a.zone', zone('10.0.0.300'));
  const bad = await loader.load([a]);
  assert.equal(isSound(bad), false);
  assert.match(
    formatDiagnostic(bad.diagnostics[0], bad.sources),
    /a\.zone:5:7: error: .*\n {4}5 \| www A 10\.0\.0\.300\n/,
  );
  assert.equal(answer(good, 'www.a.example A'), '10.0.0.1');
  assert.equal((await load(write('a.zone', zone('10.0.0.1')))).digest, good.digest);
});

test('a loader that ends costs the load under way; the next one starts another, and what is held stays', async () => {
  const good = await load();
  const failed = assert.rejects(loader.load(), { code: 'GTM_LOADER', message: /the loader ended/ });
  await workers[0].terminate();
  await failed;
  write('a.zone', zone('10.0.0.2'));
  const again = await load();
  assert.equal(again.read, 2);
  assert.ok(again.compiled.generation > good.compiled.generation);
  assert.ok(again.compiled.arena === good.compiled.arena);
  loader.hold([again.compiled.generation]);
  const third = await load(write('b.zone', zone('10.0.1.3')));
  assert.deepEqual(
    [good, again, third].map(g => answer(g, 'www.a.example A')),
    ['10.0.0.1', '10.0.0.2', '10.0.0.2'],
  );
  assert.deepEqual(
    [again, third].map(g => answer(g, 'www.b.example A')),
    ['10.0.1.1', '10.0.1.3'],
  );
});

test('while a large zone is loaded this thread is free, and told how far it is', async () => {
  const hosts = Array.from({ length: 200_000 }, (_, i) => `host-${i} A 10.1.0.1\n`);
  write('a.zone', zone('10.0.0.1') + hosts.join(''));
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const shares: number[] = [];
  const began = performance.now();
  const loaded = await loader.load(undefined, (done, of, part) => shares.push((done + part) / of));
  clearInterval(timer);
  assert.ok(isSound(loaded));
  assert.ok(turns > (performance.now() - began) / 50, `${turns} turns`);
  assert.ok(shares.length > 1 && shares.every((s, i) => s >= (shares[i - 1] ?? 0) && s <= 1), `${shares}`);
});

test('after close a load is refused', async () => {
  await load();
  await loader.close();
  await assert.rejects(loader.load(), { code: 'GTM_LOADER' });
});
