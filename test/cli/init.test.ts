// `gtm init`: what it writes is a sound cluster, in every mode, and it overwrites nothing.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EXIT } from '../../src/cli/exit.ts';
import { MODES } from '../../src/cli/starter.ts';
import { inside } from './run.ts';

const root = mkdtempSync(join(tmpdir(), 'gtm-init-'));
after(() => rmSync(root, { recursive: true }));

describe('the cluster of each mode', () => {
  for (const mode of MODES)
    it(mode, async () => {
      const dir = join(root, mode);
      const made = await inside(['init', '--mode', mode, '--dir', dir]);
      assert.deepEqual([made.code, made.err.split(':')[0]], [EXIT.ok, 'put in your addresses, then']);
      assert.deepEqual(made.out.split('\n').slice(0, -1), [
        join(dir, 'gtm.yaml'),
        join(dir, 'example.com.zone'),
        join(dir, 'gtm.schema.json'),
      ]);
      const config = join(dir, 'gtm.yaml');
      const checked = await inside(['check', '--strict', '--json', '-c', config]);
      const { diagnostics } = JSON.parse(checked.out);
      // Of tunnels it is said what they take from the MTU.
      const codes = diagnostics.map((d: { code: string }) => d.code);
      assert.deepEqual(codes, mode === 'tun' ? ['GTM-C054', 'GTM-C054'] : [], checked.out);
      assert.equal(checked.code, EXIT.ok);
      for (const node of ['fra-1', 'nyc-1']) {
        const drawn = await inside(['lvs', 'simulate', '-c', config, '--node', node, '--json']);
        const story = JSON.parse(drawn.out);
        assert.deepEqual([story.service.forward, story.request.verdict], [mode, 'transmit']);
      }
      for (const line of readFileSync(config, 'utf8').split('\n')) assert.ok(line.length <= 130, line);
    });
});

it('nat is the default', async () => {
  const dir = join(root, 'default');
  assert.equal((await inside(['init', '--dir', dir, '-q'])).err, '');
  assert.match(readFileSync(join(dir, 'gtm.yaml'), 'utf8'), /forward: nat\n/);
});

it('nothing is overwritten, and nothing left behind', async () => {
  const dir = join(root, 'mine');
  mkdirSync(dir);
  writeFileSync(join(dir, 'example.com.zone'), 'mine');
  const { code, out, err } = await inside(['init', '--dir', dir]);
  assert.deepEqual([code, out], [EXIT.refused, '']);
  assert.match(err, /example\.com\.zone is there already; --dir says another folder/);
  assert.deepEqual(readdirSync(dir), ['example.com.zone']);
  assert.equal(readFileSync(join(dir, 'example.com.zone'), 'utf8'), 'mine');
});

it('what is refused', async () => {
  const bad = await inside(['init', '--mode', 'fulnat', '--dir', join(root, 'none')]);
  assert.deepEqual([bad.code, readdirSync(root).includes('none')], [EXIT.usage, false]);
  assert.match(bad.err, /«fulnat» is none of nat, dr, tun, fullnat; did you mean fullnat\?/);
  writeFileSync(join(root, 'file'), '');
  const file = await inside(['init', '--dir', join(root, 'file')]);
  assert.deepEqual([file.code, /cannot write/.test(file.err)], [EXIT.refused, true], file.err);
});
