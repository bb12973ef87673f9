// Reading the same files again: what changed is read anew and nothing else, and the outcome is that of a first load.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Keeper, Library, type Reading } from '../../src/daemon/library.ts';
import { CLUSTER, ZONE } from './sample.ts';

const YAML = `${CLUSTER}zones: { a.example: a.zone, b.example: b.zone }
zone_folders: [more]
`;

let dir: string;
let wall: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gtm-library-'));
  mkdirSync(join(dir, 'more', 'deep'), { recursive: true });
  mkdirSync(join(dir, 'more', '.hidden'));
  wall = Date.now();
  write('gtm.yaml', YAML);
  write('a.zone', `${ZONE}$INCLUDE part\n`);
  write('part', 'www A 192.0.2.2\n');
  write('b.zone', `${ZONE}www POOL web\n`);
  write('more/c.example.zone', ZONE);
  write('more/deep/d.example.zone', ZONE);
  write('more/.hidden/e.example.zone', ZONE);
  write('more/notes.txt', 'no zone\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Writes a file as an editor does, by a rename. */
function write(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(`${path}~`, text);
  renameSync(`${path}~`, path);
  return path;
}

/** A library that tells which zones it read and dropped. `age` is how long before each load the files were left alone. */
function library(age = 10_000) {
  let read: string[] = [];
  const alive = new Set<string>();
  let n = 0;
  const keeper: Keeper<string> = {
    take({ name }, sound) {
      read.push(name);
      if (!sound) return undefined;
      const kept = `${name}#${++n}`;
      alive.add(kept);
      return kept;
    },
    drop: kept => void assert.ok(alive.delete(kept), kept),
  };
  const lib = new Library(join(dir, 'gtm.yaml'), {}, keeper, () => wall + age);
  const load = (...paths: string[]): Reading<string> & { read: string[] } => {
    read = [];
    const reading = lib.load(paths.length === 0 ? undefined : new Set(paths));
    return { ...reading, read };
  };
  return { load, alive };
}

const names = (r: Reading<string>) => r.zones.map(z => z.name);
const errors = (r: Reading<string>) => r.diagnostics.filter(d => d.severity === 'error');
const codes = (r: Reading<string>) => errors(r).map(d => d.code);

test('zones named one by one and those of folders, hidden ones and other files left out', () => {
  const r = library().load();
  assert.deepEqual(codes(r), []);
  assert.deepEqual(names(r), ['a.example', 'b.example', 'c.example', 'd.example']);
  const folders = r.folders().map(f => f.slice(dir.length));
  assert.deepEqual(folders.sort(), ['', '/more', '/more/deep']);
});

test('a second load reads nothing; a touched file is no change; a changed or included one is its zone alone', () => {
  const { load, alive } = library();
  const first = load();
  const again = load();
  assert.deepEqual([again.read, again.digest], [[], first.digest]);
  utimesSync(join(dir, 'b.zone'), 1, 1);
  assert.deepEqual([load().read, load().digest], [[], first.digest]);
  const part = write('part', 'www A 192.0.2.3\n');
  const changed = load(part);
  assert.deepEqual(changed.read, ['a.example']);
  assert.notEqual(changed.digest, first.digest);
  assert.equal(alive.size, 4);
  write('part', 'www A 192.0.2.2\n');
  const back = load();
  assert.deepEqual([back.read, back.digest], [['a.example'], first.digest]);
});

test('with paths, only these are looked at; what they do not name is found by a load of all', () => {
  const { load } = library();
  load();
  const a = write('a.zone', `${ZONE}x A 192.0.2.4\n`);
  write('b.zone', `${ZONE}y A 192.0.2.5\n`);
  assert.deepEqual(load(a).read, ['a.example']);
  assert.deepEqual(load(join(dir, 'gtm.log')).read, []);
  assert.deepEqual(load().read, ['b.example']);
});

test('a file changed within the grain of the clock, its size and times as before, is seen by its hash', () => {
  const { load } = library(0);
  const before = join(dir, 'a.zone');
  load();
  // The same file, rewritten in place with as many octets, its times set back.
  writeFileSync(before, `${ZONE}$INCLUDE gone\n`);
  utimesSync(before, wall / 1000, wall / 1000);
  assert.deepEqual(load().read, ['a.example']);
});

test('zones of a folder come and go by their files', () => {
  const { load, alive } = library();
  load();
  const f = write('more/f.example.zone', ZONE);
  assert.deepEqual(names(load(f)).sort()[4], 'f.example');
  rmSync(f);
  assert.equal(load(f).zones.length, 4);
  assert.equal(alive.size, 4);
});

test('other pools: the zones that name one are compiled again, the others are not', () => {
  const { load } = library();
  load();
  const yaml = write(
    'gtm.yaml',
    YAML.replace('pools: { web:', 'pools: { first: { policy: weighted, members: [{ vip: web }] }, web:'),
  );
  assert.deepEqual(load(yaml).read, ['b.example']);
});

test('a broken zone is told with its line at each load until it is mended, and costs the others nothing', () => {
  const { load, alive } = library();
  const good = load();
  const a = write('a.zone', `${ZONE}www A 192.0.2.300\n`);
  for (const r of [load(a), load(join(dir, 'b.zone')), load()]) {
    assert.deepEqual([codes(r), r.read], [['GTM-Z012'], ['a.example']]);
    assert.deepEqual(
      r.excerpts.filter(e => e.file === a),
      [{ file: a, line: 5, text: 'www A 192.0.2.300' }],
    );
  }
  assert.equal(alive.size, 3);
  write('a.zone', `${ZONE}$INCLUDE part\n`);
  assert.equal(load(a).digest, good.digest);
});

test('with a broken cluster file nothing is kept, and all is there again once it is mended', () => {
  const { load, alive } = library();
  const good = load();
  const yaml = write('gtm.yaml', YAML.replace('weighted', 'wieghted'));
  assert.deepEqual(codes(load(yaml)), ['GTM-C004']);
  write('gtm.yaml', YAML);
  const r = load(yaml);
  assert.deepEqual([codes(r), r.digest, alive.size], [[], good.digest, 4]);
});

test('a zone that two files are of, a name that is none, a folder that is none or leads out', () => {
  const said = (yaml: string) => {
    write('gtm.yaml', yaml);
    return errors(library().load()).map(d => `${d.line} ${d.code} ${d.message}`);
  };
  write('more/A.example.zone', ZONE);
  assert.deepEqual(said(YAML), ['12 GTM-C047 a.zone and more/A.example.zone are both of zone A.example']);
  rmSync(join(dir, 'more/A.example.zone'));
  write('more/a..b.zone', ZONE);
  assert.match(said(YAML)[0], /^12 GTM-C04A «a\.\.b» is not a zone name: empty label/);
  assert.deepEqual(said(YAML.replace('[more]', '[none]')), [
    '12 GTM-C04A zone_folders: none: there is no such file',
  ]);
  assert.match(said(YAML.replace('[more]', '[../x]'))[0], /^12 GTM-C047 .* is not below/);
});
