// Documents that are made from tables in the code stay what the tables say. `UPDATE_GOLDEN=1 npm test -- docs` writes them.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../src/dns/zonefile/faults.ts';
import { RULE_FAULTS } from '../src/lvs/rules/rule.ts';
import { CODES } from '../src/model/codes.ts';

const file = join(import.meta.dirname, '..', '..', 'docs', 'diagnostics.md');

function diagnostics(): string {
  const row = ([code, severity, means]: readonly [string, string, string]) =>
    `| \`${code}\` | ${severity} | ${means.replaceAll('|', '\\|')} |`;
  const head = ['| code | severity | what it means |', '|---|---|---|'];
  return [
    '# Diagnostics',
    '',
    'What `gtm check`, a reload and a start say of files: `file:line:col: severity: what, and what to do [code]`. All faults of all files come in one',
    'run. With an error nothing is taken up, and what runs goes on; warnings are told, and fail `gtm check --strict`; notes are told by `gtm check`.',
    '',
    '## The cluster file',
    '',
    ...head,
    ...Object.entries(CODES).map(([code, [severity, means]]) => row([code, severity, means])),
    '',
    '## Zone files',
    '',
    ...head,
    ...Object.values(FAULTS).map(row),
    '',
    '## Rules of ipvsadm',
    '',
    ...head,
    ...RULE_FAULTS.map(row),
    '',
  ].join('\n');
}

test('docs/diagnostics.md lists every code as the tables have it', () => {
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, diagnostics());
  assert.equal(readFileSync(file, 'utf8'), diagnostics());
});

test('no code stands for two things', () => {
  const all = [...Object.keys(CODES), ...[...Object.values(FAULTS), ...RULE_FAULTS].map(f => f[0])];
  assert.equal(new Set(all).size, all.length);
});
