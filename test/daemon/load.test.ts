// The files of a cluster read as one: faults of the cluster file and of its zones come in one run, and no zone file
// reaches out of the folder.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkFiles, loadFiles } from '../../src/daemon/load.ts';
import { CLUSTER, ZONE } from './sample.ts';

const YAML = `${CLUSTER}zones:
`;
let dir: string;

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'gtm-load-'));
  mkdirSync(join(dir, 'zones', 'parts'), { recursive: true });
  writeFileSync(join(dir, 'secret'), 'a line that nobody outside may see\n');
  symlinkSync(join(dir, 'secret'), join(dir, 'zones', 'link.zone'));
});

after(() => rmSync(dir, { recursive: true, force: true }));

/** Loads a cluster of these files; the last lines of gtm.yaml name the zones. */
function load(zones: string, files: Record<string, string>, yaml = YAML) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'zones', name), text);
  const file = join(dir, 'zones', 'gtm.yaml');
  writeFileSync(file, yaml + zones);
  const loaded = loadFiles(file, {});
  const told = loaded.diagnostics
    .filter(d => d.severity === 'error')
    .map(d => `${d.file.slice(dir.length + 7)}:${d.line} ${d.code} ${d.message}`);
  return { loaded, told };
}

test('a clean cluster: the config, its zones, and every file for the watch', () => {
  const { loaded, told } = load('  example.com: a.zone\n', {
    'a.zone': `${ZONE}$INCLUDE parts/more.zone\nwww POOL web\n`,
    'parts/more.zone': 'mail A 192.0.2.2\n',
  });
  assert.deepEqual(told, []);
  assert.equal(loaded.zones[0].records.count, 5);
  assert.deepEqual(loaded.files.map(f => f.slice(dir.length + 7)).sort(), [
    'a.zone',
    'gtm.yaml',
    'parts/more.zone',
  ]);
});

test('faults of the cluster file and of a zone are told in one run', () => {
  const broken = YAML.replace('policy: weighted', 'policy: wieghted');
  const { told } = load(
    '  example.com: a.zone\n',
    { 'a.zone': `${ZONE}www A 192.0.2.300\napi POOL wbe\n` },
    broken,
  );
  assert.equal(told.length, 3, told.join('\n'));
  assert.match(told[0], /^gtm\.yaml:10 GTM-C004 /);
  assert.match(told[1], /^a\.zone:5 GTM-Z012 /);
  assert.match(told[2], /^a\.zone:6 GTM-Z039 /);
});

const places: [zone: string, code: string, text: RegExp][] = [
  ['../secret', 'GTM-C047', /not below/],
  ['link.zone', 'GTM-C04A', /is outside/],
  ['nosuch.zone', 'GTM-C04A', /there is no such file/],
  ['parts', 'GTM-C04A', /is not a file/],
];
for (const [zone, code, text] of places) {
  test(`a zone in ${zone} is refused, at the line that names it, and nothing of it is quoted`, () => {
    const { told, loaded } = load(`  example.com: ${zone}\n`, {});
    assert.equal(told.length, 1, told.join('\n'));
    assert.ok(told[0].startsWith(`gtm.yaml:12 ${code} `), told[0]);
    assert.match(told[0], text);
    assert.ok(!JSON.stringify(loaded.diagnostics).includes('nobody outside'));
  });
}

for (const wanted of ['../secret', '/etc/hostname', 'link.zone', 'parts/../../secret']) {
  test(`$INCLUDE ${wanted} is refused`, () => {
    const { told, loaded } = load('  example.com: a.zone\n', { 'a.zone': `${ZONE}$INCLUDE ${wanted}\n` });
    assert.equal(told.length, 1, told.join('\n'));
    assert.match(told[0], /^a\.zone:5 GTM-Z023 /);
    assert.ok(!JSON.stringify(loaded.diagnostics).includes('nobody outside'));
  });
}

test('a cluster file that is not there says how to name one', async () => {
  const { diagnostics, counts } = await checkFiles(join(dir, 'none.yaml'), {});
  assert.equal(diagnostics[0].code, 'GTM-C00A');
  assert.match(diagnostics[0].help ?? '', /--config/);
  assert.equal(counts.zones, 0);
});
