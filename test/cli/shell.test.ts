// Completion scripts in real shells, and the manual page through a real groff.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { SHELLS } from '../../src/cli/completion.ts';
import { FLAG_NAMES, FLAGS } from '../../src/cli/flag.ts';
import { manual } from '../../src/cli/manual.ts';
import { inside } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gtm-shell-'));
before(() => {
  for (const [shell, write] of Object.entries(SHELLS)) writeFileSync(join(folder, shell), write(COMMANDS));
  writeFileSync(join(folder, 'some.yaml'), '');
});
after(() => rmSync(folder, { recursive: true }));

/** What bash offers at the end of a line: with the words and the cursor as readline gives them. */
function bash(line: string): string[] {
  const script = `cd ${folder}; source ./bash
COMP_LINE=$1; COMP_POINT=\${#1}; read -ra COMP_WORDS <<< "$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_gtm; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['--norc', '-c', script, 'bash', line], { encoding: 'utf8' });
  return out.split('\n').filter(Boolean);
}

/** The same of zsh, whose own functions only print what they are given. */
function zsh(line: string): string[] {
  const script = `cd ${folder}
compdef() { : }
_describe() { print -l -- \${(P)@[-1]} }
_files() { print -l -- * }
source ./zsh
words=("\${(@s: :)1}"); CURRENT=$#words
_gtm; true`;
  const out = execFileSync('zsh', ['-f', '-c', script, 'zsh', line], { encoding: 'utf8' });
  const prefix = line.slice(line.lastIndexOf(' ') + 1);
  return out
    .split('\n')
    .map(l => l.split(':')[0])
    .filter(w => w !== '' && w.startsWith(prefix));
}

const FIRSTS = [...new Set(COMMANDS.map(c => c.path[0]))];
const ROWS: [string, string[]][] = [
  ['gtm ', FIRSTS],
  ['gtm st', ['status']],
  ['gtm vip ', ['drain', 'ready', 'maint', 'weight']],
  ['gtm demo s', ['stop', 'start']],
  ['gtm -q --url http://127.0.0.1:8053 site dr', ['drain']],
  ['gtm --url=http://x vip w', ['weight']],
  ['gtm lvs ls --st', ['--stats']],
  ['gtm lvs ls --stats --ra', ['--rate']],
  ['gtm vip drain web --rea', ['--reason']],
  ['gtm status --rea', []],
  ['gtm events --fo', ['--follow']],
  ['gtm completion ', ['bash', 'zsh']],
  ['gtm check -c so', ['some.yaml']],
  ['gtm check --log-level w', ['warn']],
  ['gtm vip drain web --reason s', []],
  ['gtm --vers', ['--version']],
];
for (const [shell, complete] of [
  ['bash', bash],
  ['zsh', zsh],
] as const) {
  test(`${shell}: the script has no fault`, () => {
    const { status, stderr } = spawnSync(shell, ['-n', join(folder, shell)], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });
  for (const [line, words] of ROWS)
    test(`${shell}: ${line}`, () => assert.deepEqual(complete(line).sort(), [...words].sort()));
}

test('every flag of every command is offered to it', () => {
  for (const c of COMMANDS) {
    const offered = bash(`gtm ${c.path.join(' ')} --`);
    for (const f of c.flags) assert.ok(offered.includes(`--${f}`), `${c.path.join(' ')} --${f}`);
  }
});

test('the manual page: groff has nothing to say, and everything is in it', () => {
  const page = manual(COMMANDS, '1.2.3');
  const { status, stderr, stdout } = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-P-cbou'], {
    input: page,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, '']);
  const text = stdout.replace(/\s+/g, ' ').replaceAll('\u2010 ', '');
  for (const c of COMMANDS) assert.ok(text.includes(`gtm ${c.path.join(' ')}`), c.path.join(' '));
  for (const f of FLAG_NAMES)
    if (COMMANDS.some(c => c.flags.includes(f)) || FLAGS[f].global) assert.ok(text.includes(`--${f}`), f);
  assert.ok(text.includes('EXIT STATUS 0 done 1 checked and found errors'));
  assert.match(page, /^\.TH GTM 1 "" "gtm 1\.2\.3" "Switchyard"$/m);
});

test('the commands print them, and say which shells there are', async () => {
  assert.equal((await inside(['completion', 'bash'])).out, SHELLS.bash(COMMANDS));
  const { code, err } = await inside(['completion', 'fish']);
  assert.deepEqual([code, err], [2, 'gtm: completion: «fish» is none of bash, zsh\n']);
  assert.match((await inside(['man'])).out, /^\.TH GTM 1/);
  assert.equal(JSON.parse((await inside(['schema'])).out).type, 'object');
});
