// The path probe in words, and what it sends to UDP services.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeProbes } from '../../src/probe/index.ts';
import { type Knock, type Knocking, pathProbe, payloadOf } from '../../src/probe/path.ts';
import type { Target, Via } from '../../src/probe/probe.ts';
import { checkOf } from './servers.ts';

const signal = new AbortController().signal;
const target = (protocol: Via['protocol'], check: object): Target => ({
  address: '192.0.2.10',
  port: 53,
  check: checkOf(check),
  via: { protocol, server: '192.0.2.11' },
});

test('what a server says becomes words; that it cannot be asked is not held against it', async () => {
  const rows: [Awaited<ReturnType<Knock>>, string | RegExp][] = [
    ['open', 'answers for VIP 192.0.2.10'],
    [{ unable: 'no raw packets here' }, 'not asked as clients are: no raw packets here'],
    ['refused', /^refused$/],
  ];
  for (const [said, words] of rows) {
    const looked = pathProbe(async () => said)(target('tcp', { tcp: {} }), signal);
    if (typeof words === 'string') assert.equal(await looked, words);
    else await assert.rejects(looked, { message: words });
  }
  const probe = await makeProbes(() => Promise.reject(new Error('not used'))).path();
  assert.match(await probe(target('tcp', { tcp: {} }), signal), /^not asked as clients are: there is no way/);
});

test('TCP gets a SYN, UDP what its check sends, and a service that a check does not look at gets nothing', async () => {
  let seen: Knocking | undefined;
  const probe = pathProbe(async what => {
    seen = what;
    return 'open';
  });
  await probe(target('tcp', { http: { path: '/x' } }), signal);
  const { vip, port, payload } = seen as Knocking;
  assert.deepEqual([vip, port, payload], ['192.0.2.10', 53, undefined]);
  await probe(target('udp', { udp: { send_hex: '01 ff:02' } }), signal);
  assert.deepEqual([...(seen?.payload ?? [])], [1, 255, 2]);
  await probe(target('udp', { udp: { send: 'é' } }), signal);
  assert.deepEqual([...(seen?.payload ?? [])], [0xc3, 0xa9]);
  const [head, name] = [
    [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    [3, ...Buffer.from('www'), 4, ...Buffer.from('test'), 0],
  ];
  const asked = payloadOf(checkOf({ dns: { name: 'www.test.', type: 'AAAA' } }));
  assert.deepEqual([...(asked ?? [])], [...head, ...name, 0, 28, 0, 1]);
  const root = payloadOf(checkOf({ dns: { name: '.', type: 'SOA' } }));
  assert.deepEqual([...(root ?? [])], [...head, 0, 0, 6, 0, 1]);
  for (const check of [{ udp: { send: 'x', port: 7 } }, { dns: { name: 'x.', port: 54 } }, { icmp: {} }])
    assert.equal(payloadOf(checkOf(check)), undefined);
});
