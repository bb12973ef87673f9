// How evenly chains fill, and where those of near ports lie: with as many connections as there are chains, from clients as they come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../src/kit/rng.ts';
import { Chains } from '../../src/lvs/chains.ts';

const BITS = 14;
const COUNT = 1 << BITS;
/** Heads of a page. */
const PAGE = 1024;
/** Of as many connections as chains, a random hash uses so many chains: 1 - 1/e. Pages are few here, so one seed may be far from it. */
const RANDOM = 0.632;
const SEEDS = 16;
const TEN = 10 << 24;
const SERVER = TEN + 11;

const word = seeded(1);
const chainsOf = (seed: number) =>
  new Chains(new Int32Array(16), BITS, seed, bytes => new ArrayBuffer(bytes));
const client = (c: Chains, address: number, port: number) => c.ofClient(0, address, 0, 0, 0, port);
const local = (c: Chains, address: number, port: number, server: number, dport: number) =>
  c.ofLocal(0, address, 0, 0, 0, (dport << 16) | port, server, 0);

const cases: [string, number, (c: Chains, i: number) => number][] = [
  ['random clients and ports', COUNT, c => client(c, word() | 0, word() & 0xffff)],
  ['a client each, all from port 53', COUNT, (c, i) => client(c, TEN + i, 53)],
  ['persistence templates of networks', COUNT, (c, i) => client(c, TEN + (i << 8), 0)],
  ['one client with 16,384 ports', COUNT, (c, i) => client(c, TEN, 1024 + i)],
  ['16 clients with 1,024 ports each', COUNT, (c, i) => client(c, TEN + (i & 15), 32_768 + (i >> 4))],
  ['64 clients, each with every 64th port', COUNT, (c, i) => client(c, TEN + (i & 63), 1024 + (i & ~63))],
  ['one local address with 32,768 ports', 2 * COUNT, (c, i) => local(c, TEN, 1024 + i, SERVER, 80)],
  [
    '8 local addresses, 4 servers, 1,024 ports each',
    2 * COUNT,
    (c, i) => local(c, TEN + (i & 7), 1024 + (i >> 5), SERVER + ((i >> 3) & 3), 80),
  ],
];
for (const [name, count, chain] of cases)
  test(`${name}: chains fill as by a random hash, or better`, () => {
    let [used, longest] = [0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const chains = chainsOf(seed * 7919);
      const found = new Map<number, number>();
      for (let i = 0; i < count; i++) {
        const at = chain(chains, i);
        found.set(at, (found.get(at) ?? 0) + 1);
      }
      used += found.size / count / SEEDS;
      longest = Math.max(longest, ...found.values());
    }
    assert.ok(used > RANDOM - 0.06, `used: ${used}`);
    assert.ok(longest <= 12, `longest: ${longest}`);
  });

test('ports that differ in their low 10 bits have chains of their own in one page', () => {
  const chains = chainsOf(12345);
  for (const first of [1024, 32_768, 60_416])
    for (const of of [
      (port: number) => client(chains, TEN, port),
      (port: number) => local(chains, TEN, port, SERVER, 8080),
    ]) {
      const found = new Set(Array.from({ length: PAGE }, (_, i) => of(first + i)));
      assert.equal(found.size, PAGE);
      assert.equal(new Set([...found].map(c => Math.floor(c / PAGE))).size, 1);
    }
});

test('which page that is depends on the seed', () => {
  const pages = [1, 2, 3, 4].map(seed => Math.floor(client(chainsOf(seed), TEN, 1024) / PAGE));
  assert.ok(new Set(pages).size > 1, pages.join());
});
