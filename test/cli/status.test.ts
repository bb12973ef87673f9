// `gtm status` as text: to the letter from a fixed status, and safe whatever the node was told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusText } from '../../src/cli/status-text.ts';
import { painter, table } from '../../src/cli/table.ts';
import { formatBytes, formatCount, formatPercent, formatWeight, plain } from '../../src/kit/text.ts';
import { hostileStatus, statusFixture } from '../admin/fixture.ts';

const GOLDEN = `\
fra-1  site fra  ready  up 3h12m  coordinator degraded  snapshot 4  queries 12.3k
config zones/gtm.yaml  zones example.com 2026112201  dns 127.0.0.1:5300
! real server web-fra-2 of web-fra is down: connect ECONNREFUSED
! coordinator: last record not believed: record of nyc-1 from redis://127.0.0.2:6379: signature does not verify

POOL  POLICY    MEMBER   SITE  STATE           WEIGHT  EFFECTIVE  SHARE  WHY
api   weighted  web-fra  fra   up                  60         30  42.9%  capacity 50% (1 of 2 real servers)
                web-nyc  nyc   drain (forced)      40          0     0%  drain by anna: kernel upgrade

VIP      SITE  STATE  CAPACITY  VOTES            REAL SERVER  ADDRESS         STATE  WEIGHT  CONNS  LAST PROBE
web-fra  fra   up          50%  fra up, nyc up   web-fra-1    127.1.1.1:9001  up        100      4  http 200 in 3 ms (up for 3h11m)
                                                 web-fra-2    127.1.1.2:9001  down        0      0  connect ECONNREFUSED (down for 42s)
web-nyc  nyc   drain      100%  nyc up, seen up  -

OVERRIDE     SAYS   WHO   UNTIL                 WHY
vip/web-nyc  drain  anna  2026-11-22 14:30:00Z  kernel upgrade

SCHEDULE  STATE    UNTIL OR NEXT
new-year  at rest  2027-01-01T02:00:00.000Z

PEER                    SITE  STATE     DETAIL
nyc-1                   nyc   in touch  last report 0s ago
redis://127.0.0.1:6379  -     up        since 2026-11-22 12:00:00Z
redis://127.0.0.2:6379  -     down      connect ECONNREFUSED
`;

test('one screen, to the letter', () => {
  assert.equal(statusText(statusFixture(), painter(false)), GOLDEN);
});

test('colour changes nothing but colour', () => {
  const text = statusText(statusFixture(), painter(true));
  assert.ok(text.includes('\u001b[31mdown\u001b[0m'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes are what is taken out
  assert.equal(text.replace(/\u001b\[\d+m/g, ''), GOLDEN);
});

test('no pool, no VIP, nothing loaded: the head alone', () => {
  const s = statusFixture();
  const none = {
    pools: [],
    vips: [],
    overrides: [],
    schedules: [],
    peers: [],
    zones: [],
    alarms: [],
    services: [],
  };
  const coordinator = { ...s.coordinator, backends: [] };
  delete coordinator.lastDrop;
  const text = statusText(
    { ...s, ...none, coordinator, ready: false, dns: { ...s.dns, listen: [] } },
    painter(false),
  );
  assert.equal(
    text,
    'fra-1  site fra  not ready  up 3h12m  coordinator degraded  snapshot 4  queries 12.3k\nconfig zones/gtm.yaml  zones none  dns none\n',
  );
});

test('a reload that was refused stands beside the file', () => {
  const s = statusFixture();
  const text = statusText(
    { ...s, config: { ...s.config, error: 'zones/gtm.yaml:3:1: error' } },
    painter(false),
  );
  assert.match(text, /^config zones\/gtm\.yaml \(last reload refused\) {2}zones/m);
});

test('no text from elsewhere moves the cursor or forges a line', () => {
  const s = hostileStatus();
  const text = statusText({ ...s, alarms: ['a\nready\r\u202eb\u009b2J'] }, painter(false));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.match(text, /\n! a ready b 2J\n/);
});

test('a column that is empty everywhere is left out, and no line ends in blanks', () => {
  const columns = [{ head: 'A' }, { head: 'EMPTY' }, { head: 'N', right: true }, { head: 'Z' }];
  const lines = table(
    columns,
    [
      ['long name', '', '1', ''],
      ['b', '', '100', 'z'],
    ],
    painter(false),
  );
  assert.deepEqual(lines, ['A            N  Z', 'long name    1', 'b          100  z']);
});

test('numbers for people', () => {
  assert.deepEqual([0, 999, 1000, 12_345, 999_960, 4e6].map(formatCount), [
    '0',
    '999',
    '1k',
    '12.3k',
    '1M',
    '4M',
  ]);
  assert.deepEqual([512, 1024, 1.5 * 2 ** 30].map(formatBytes), ['512 B', '1 KiB', '1.5 GiB']);
  assert.deepEqual([0, 0.0001, 0.005, 0.4286, 1].map(formatPercent), [
    '0%',
    '<0.1%',
    '0.5%',
    '42.9%',
    '100%',
  ]);
  assert.deepEqual([30, 12.34].map(formatWeight), ['30', '12.3']);
  assert.equal(plain('a\tb\u200b'), 'a b ');
});
