// What a reload says has changed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diffConfig } from '../../src/model/diff.ts';
import type { Config } from '../../src/model/schema.ts';
import { BASE, load, type Patch, patched } from './base.ts';
import { variable } from './rows.ts';

function config(text: string, env?: Record<string, string>): Config {
  const { config, diagnostics } = load(text, env);
  assert.ok(config, diagnostics.map(d => d.message).join('\n'));
  return config;
}

function changes(...patches: Patch[]): string[] {
  return diffConfig(config(BASE), config(patched(...patches))).map(
    c =>
      `${c.kind} ${c.what}${c.from === undefined ? '' : ` from ${c.from}`}${c.to === undefined ? '' : ` to ${c.to}`}`,
  );
}

const CASES: [string, Patch[], string[]][] = [
  [
    'nothing, for comments and spelled-out defaults',
    [
      ['answers: 2, ttl: 10s', 'answers: 2, ttl: 10000ms'],
      ['    policy: failover', '    policy: failover # first up\n    answers: 1'],
    ],
    [],
  ],
  ['a weight', [['weight: 60', 'weight: 70']], ['update pools.web.members[web-fra].weight from 60 to 70']],
  [
    'a duration, as written',
    [['answers: 2, ttl: 10s', 'answers: 2, ttl: 1m']],
    ['update pools.web.ttl from 10s to 1m'],
  ],
  [
    'a percentage, as written',
    [['addresses: [192.0.2.10]', 'addresses: [192.0.2.10]\n    floor: 25%']],
    ['update vips.web-fra.floor from 1% to 25%'],
  ],
  [
    'an optional setting that comes',
    [['answers: 2, ttl: 10s', 'answers: 2, ttl: 10s, min_ttl: 2s']],
    ['create pools.web.min_ttl to 2s'],
  ],
  [
    'an endpoint',
    [
      [
        '"192.0.2.1:53"] }\n    admin: { listen: 127.0.0.1:8053',
        '"192.0.2.1:53"] }\n    admin: { listen: 127.0.0.1:8054',
      ],
    ],
    ['update nodes.fra-1.admin.listen from 127.0.0.1:8053 to 127.0.0.1:8054'],
  ],
  [
    'an address',
    [['[192.0.2.10]', '[192.0.2.10, 192.0.2.11]']],
    ['update vips.web-fra.addresses from [192.0.2.10] to [192.0.2.10, 192.0.2.11]'],
  ],
  [
    'a real server for another',
    [['address: 10.0.0.12', 'address: 10.0.0.13']],
    [
      'delete vips.web-fra.services[tcp 80].real_servers[10.0.0.12:8080]',
      'create vips.web-fra.services[tcp 80].real_servers[10.0.0.13:8080]',
    ],
  ],
  [
    'the order of members',
    [
      [
        '      - { vip: web-fra }\n      - { vip: web-nyc }',
        '      - { vip: web-nyc }\n      - { vip: web-fra }',
      ],
    ],
    ['update pools.api.members from [web-fra, web-nyc] to [web-nyc, web-fra]'],
  ],
  ['a pool under another name', [['  api:\n', '  apis:\n']], ['delete pools.api', 'create pools.apis']],
  [
    'a rule for another',
    [['all_down: all', 'all_down: { static: [192.0.2.99] }']],
    ['update pools.web.all_down from all'],
  ],
  [
    'a zone file',
    [['example.com.zone', 'new.zone']],
    ['update zones.example.com from example.com.zone to new.zone'],
  ],
];

describe('the difference of two cluster files', () => {
  for (const [title, patches, expected] of CASES)
    it(title, () => assert.deepEqual(changes(...patches), expected));

  it('a secret that changed is named and not shown', () => {
    const text = patched(['"redis://10.0.1.1:6379"', `"redis://:${variable('PW')}@10.0.1.1:6379"`]);
    const before = config(text, { GTM_SECRET: 'an-old-secret-of-words', PW: 'swordfish' });
    const after = config(text, { GTM_SECRET: 'a-new-secret-of-words', PW: 'sesame' });
    assert.deepEqual(diffConfig(before, after), [
      { kind: 'update', what: 'coordinator.redis' },
      { kind: 'update', what: 'coordinator.secret' },
    ]);
    assert.deepEqual(diffConfig(after, after), []);
  });
});
