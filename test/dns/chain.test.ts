// The chain as a whole: whatever comes in, what goes out is a message, of the right question, no longer than allowed; no
// query costs memory; a fault of our own is SERVFAIL.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeResponder } from '../../src/dns/chain.ts';
import { COUNTER, newCounters } from '../../src/dns/counters.ts';
import { explainAnswer } from '../../src/dns/explain.ts';
import { decode } from './decode.ts';
import { client, fixedSteering, query, Server, wireName, zonesOf } from './serve.ts';

const ZONE = `$TTL 60
@ SOA ns root 7 2 3 4 5
@ NS ns
@ MX 10 www
ns A 192.0.2.1
www A 192.0.2.2
alias CNAME www
d DNAME w
*.w A 192.0.2.3
sub NS ns.sub
ns.sub A 192.0.2.4
sub NS ns2.sub
ns2.sub AAAA 2001:db8::1
pool 30 POOL web
*.p POOL web
t TXT ${Array.from({ length: 12 }, () => `"${'x'.repeat(100)}"`).join(' ')}
`;
const POOLS = { web: { addresses: ['127.1.0.10', '2001:db8::10'], ttl: 10 } };
const server = new Server(zonesOf({ z: ZONE }, ['web']), POOLS);

const asked = fc
  .tuple(
    fc.constantFrom(
      'z',
      'www.z',
      'nope.z',
      'alias.z',
      'a.d.z',
      'a.b.w.z',
      'x.sub.z',
      'pool.z',
      'a.p.z',
      't.z',
      'x',
      '.',
    ),
    fc.constantFrom(
      'A',
      'AAAA',
      'NS',
      'SOA',
      'MX',
      'TXT',
      'CNAME',
      'DS',
      'ANY',
      'AXFR',
      'OPT',
      'TYPE65400',
      'TYPE666',
    ),
  )
  .map(parts => parts.join(' '));

function check(message: Uint8Array, tcp: boolean, most: number): void {
  const bytes = server.raw(message, client({ tcp }));
  assert.deepEqual(server.faults, []);
  if (bytes.length === 0) return;
  const reply = decode(bytes);
  assert.ok(bytes.length <= most, `${bytes.length} octets, ${most} allowed`);
  assert.deepEqual([...bytes.slice(0, 2)], [...message.slice(0, 2)]);
  assert.ok((reply.flags & 0x8000) !== 0);
  assert.deepEqual(
    bytes.slice(12, 12 + reply.question.length),
    message.slice(12, 12 + reply.question.length),
  );
  if (reply.opt === undefined && !tcp) assert.ok(bytes.length <= 512);
}

test('any question, any size offered: the reply is a message within the limit', () => {
  fc.assert(
    fc.property(asked, fc.nat(65535), fc.boolean(), fc.nat(65535), (text, size, tcp, id) => {
      const most = tcp ? 65535 : Math.min(1232, Math.max(512, size));
      check(query(text, { id, edns: size, flags: id & 0x01ff }), tcp, most);
      check(query(text, { id }), tcp, tcp ? 65535 : 512);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test('queries with octets changed, cut, or added never break it', () => {
  const change = fc.tuple(fc.nat(80), fc.nat(255));
  fc.assert(
    fc.property(
      asked,
      fc.array(change, { maxLength: 6 }),
      fc.nat(90),
      fc.uint8Array({ maxLength: 30 }),
      fc.boolean(),
      (text, changes, cut, more, tcp) => {
        const message = Uint8Array.from([...query(text, { edns: 1232 }).slice(0, 12 + cut), ...more]);
        for (const [at, value] of changes) if (at < message.length) message[at] = value;
        check(message, tcp, tcp ? 65535 : 1232);
      },
    ),
    { numRuns: 5000, seed: 2 },
  );
});

test('random octets never break it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      if (bytes.length > 5) bytes.set([0, 0, 0, 1], 2);
      check(bytes, false, 1232);
    }),
    { numRuns: 5000, seed: 3 },
  );
});

test('a smaller buffer than the client would take is never overrun', () => {
  const respond = makeResponder({
    zones: zonesOf({ z: ZONE }, ['web']),
    steering: fixedSteering(POOLS),
    counters: newCounters(),
  });
  const memory = new Uint8Array(2048).fill(0xaa);
  const out = memory.subarray(0, 600);
  const message = query('t.z TXT', { edns: 4096 });
  const length = respond(message, message.length, out, client({ tcp: true }), 0);
  const reply = decode(out.slice(0, length));
  assert.deepEqual([reply.tc, reply.opt !== undefined], [true, true]);
  assert.ok(memory.subarray(600).every(b => b === 0xaa));
});

test('a fault of our own is SERVFAIL with the question, counted and told, and the next query is answered', () => {
  const steering = { ...fixedSteering(POOLS), pick: () => assert.fail('a bug') };
  const faults: unknown[] = [];
  const counters = newCounters();
  const onFault = (thrown: unknown) => void faults.push(thrown);
  const respond = makeResponder({ zones: zonesOf({ z: ZONE }, ['web']), steering, counters, onFault });
  const out = new Uint8Array(1232);
  const ask = (text: string) => {
    const message = query(text, { edns: 1232 });
    return decode(out.slice(0, respond(message, message.length, out, client(), 0)));
  };
  const reply = ask('pool.z A');
  assert.deepEqual([reply.rcode, reply.questions, reply.answer.length, reply.aa], [2, 1, 0, false]);
  assert.equal(reply.opt?.size, 1232);
  assert.deepEqual([counters[COUNTER.internal_errors], faults.length], [1, 1]);
  assert.equal(ask('www.z A').answer.length, 1);
});

test('a query costs less than two octets of heap, whatever its kind', () => {
  const script = join(import.meta.dirname, 'allocation.js');
  const flags = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];
  const child = spawnSync(process.execPath, [...flags, script], { encoding: 'utf8' });
  assert.equal(child.status, 0, child.stderr);
  const cost = JSON.parse(child.stdout) as number[];
  assert.equal(cost.length, 19);
  assert.ok(Math.max(...cost) < 2, `octets a query: ${cost.map(c => c.toFixed(2)).join(' ')}`);
});

test('explanations tell how the answer came about', () => {
  const zones = zonesOf({ z: ZONE }, ['web']);
  const explain = (name: string, type: number) => {
    const e = explainAnswer(zones, fixedSteering(POOLS), wireName(name), type, client(), () => 'web');
    return [...e.steps.map(s => `${s.topic}: ${s.text}`), `pool ${e.pool}`, e.rcode];
  };
  const zone = 'zone: z. serial 7';
  assert.deepEqual(explain('a.p.z', 1), [
    zone,
    'name: a.p.z. is not there; closest above it is p.z.',
    'name: wildcard *.p.z. stands for it: POOL',
    'pool: web',
    'pick: 1 address',
    'answer: NOERROR, 1 record, authoritative',
    'pool 0',
    'NOERROR',
  ]);
  assert.deepEqual(explain('alias.z', 28), [
    zone,
    'name: alias.z. is there: CNAME',
    'alias: CNAME to www.z.',
    zone,
    'name: www.z. is there: A',
    'records: none of that type (NODATA)',
    'answer: NOERROR, 1 record, authoritative',
    'pool undefined',
    'NOERROR',
  ]);
  assert.deepEqual(explain('A.d.z', 1).slice(1, 6), [
    'name: DNAME at d.z. moves it to w.z., to A.w.z.',
    zone,
    'name: A.w.z. is not there; closest above it is w.z.',
    'name: wildcard *.w.z. stands for it: A',
    'records: A, ttl 60',
  ]);
  assert.deepEqual(explain('x.sub.z', 1).slice(1, 3), [
    'name: delegated at sub.z.',
    'answer: NOERROR, no records, not authoritative',
  ]);
  assert.deepEqual(explain('nope.', 1), [
    'zone: none here holds nope.',
    'answer: REFUSED, no records, not authoritative',
    'pool undefined',
    'REFUSED',
  ]);
});
