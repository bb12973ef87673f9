// The tables that the command is made from, held against each other and against the README.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { EXIT, EXIT_MEANING, exitOf } from '../../src/cli/exit.ts';
import { FLAG_NAMES, FLAGS, FlagValues } from '../../src/cli/flag.ts';
import { parseLine } from '../../src/cli/parse.ts';
import { BEGIN, END, markdown } from '../../src/cli/readme.ts';
import { GtmError } from '../../src/kit/errors.ts';
import { ROOT } from './run.ts';

test('the README’s section on commands is what the tables say (node dist/src/main.js help --markdown)', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const from = readme.indexOf(BEGIN);
  const to = readme.indexOf(END);
  assert.ok(from >= 0 && to > from, `README.md has no ${BEGIN} … ${END}`);
  assert.equal(readme.slice(from, to + END.length), markdown(COMMANDS));
});

test('every example parses as the command that it stands under', () => {
  for (const c of COMMANDS)
    for (const [line] of c.examples) {
      const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(m => m[1] ?? m[2]);
      assert.equal(words[0], 'gtm');
      assert.equal(parseLine(words.slice(1), COMMANDS).command, c, line);
    }
});

test('paths, short flags and exit codes stand once; what is required is taken', () => {
  const paths = COMMANDS.map(c => c.path.join(' '));
  assert.equal(new Set(paths).size, paths.length);
  const shorts = FLAG_NAMES.flatMap(f => FLAGS[f].short ?? []);
  assert.equal(new Set(shorts).size, shorts.length);
  assert.equal(new Set(Object.values(EXIT)).size, Object.keys(EXIT_MEANING).length);
  for (const c of COMMANDS) {
    assert.equal(new Set(c.flags).size, c.flags.length);
    for (const f of c.required ?? []) assert.ok(c.flags.includes(f) && FLAGS[f].value !== undefined);
    assert.match(c.summary, /^[a-z].*[^.]$/);
  }
});

test('every flag that is not global is taken by some command', () => {
  const taken = new Set(COMMANDS.flatMap(c => c.flags));
  for (const f of FLAG_NAMES) assert.ok(FLAGS[f].global || taken.has(f), f);
});

test('every command loads', async () => {
  for (const c of COMMANDS) assert.equal(typeof (await c.load()), 'function', c.path.join(' '));
});

test('a flag stands above the environment, and that above the default; an empty variable is none', () => {
  const of = (given: ['url' | 'no-color' | 'by', string | true][], env: Record<string, string>) =>
    new FlagValues(new Map(given), env);
  assert.equal(of([['url', 'a']], { GTM_URL: 'b' }).text('url'), 'a');
  assert.equal(of([], { GTM_URL: 'b' }).text('url'), 'b');
  assert.equal(of([], { GTM_URL: '' }).text('url'), 'http://127.0.0.1:8053');
  assert.equal(of([], {}).text('by'), undefined);
  assert.equal(of([], { NO_COLOR: '0' }).on('no-color'), true);
  assert.equal(of([], { NO_COLOR: '' }).on('no-color'), false);
  assert.equal(of([['no-color', true]], {}).on('no-color'), true);
});

test('flags may stand anywhere, joined or not; -- ends them; the last one counts', () => {
  const line = (text: string) => parseLine(text.split(' '), COMMANDS);
  assert.deepEqual(
    [...line('-q --url x status --url=y').given],
    [
      ['quiet', true],
      ['url', 'y'],
    ],
  );
  assert.deepEqual(line('dig -- -odd-.example').args, ['-odd-.example']);
  assert.deepEqual([...line('vip drain x --reason=-1').given], [['reason', '-1']]);
  assert.deepEqual(
    [...line('check -qc f').given],
    [
      ['quiet', true],
      ['config', 'f'],
    ],
  );
});

test('what was thrown decides the exit code, however deep it lies', () => {
  const system = (code: string) => Object.assign(new Error(code), { code });
  assert.equal(exitOf(new GtmError('GTM_USAGE', '')), 2);
  assert.equal(exitOf(new GtmError('GTM_UNREACHABLE', '')), 3);
  assert.equal(exitOf(new GtmError('GTM_TIMEOUT', '')), 4);
  assert.equal(exitOf(new GtmError('GTM_ASK_TIMEOUT', '', new Error())), 4);
  assert.equal(exitOf(new GtmError('GTM_LISTEN', '', system('EACCES'))), 6);
  assert.equal(exitOf(new GtmError('GTM_LISTEN', '', system('EADDRINUSE'))), 1);
  assert.equal(exitOf('text'), 1);
});
