// The differential test tested: seeds repeat, zones load, questions are questions, a fault is found and told in few
// records. That answers are right is what `npm run differ` is for.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lookup } from '../../src/dns/zone/lookup.ts';
import { parseZone } from '../../src/dns/zonefile/parse.ts';
import { hasErrors } from '../../src/kit/diag.ts';
import { seeded } from '../../src/kit/rng.ts';
import { wireName } from '../dns/serve.ts';
import { Dice } from './dice.ts';
import { message, randomQuestion } from './questions.ts';
import { reduce } from './reduce.ts';
import { batchSeed, type DifferOptions, differ } from './run.ts';
import { randomZones, zoneText } from './zones.ts';

const drawn = (seed: number) => {
  const dice = new Dice(seeded(seed));
  const zones = randomZones(dice, 40);
  const questions = Array.from({ length: 500 }, () => randomQuestion(dice, zones));
  return { zones, questions };
};

describe('random zones and questions', () => {
  it('are the same for a seed, and others for another', () => {
    assert.deepEqual(drawn(1), drawn(1));
    assert.notDeepEqual(drawn(1), drawn(2));
    assert.equal(batchSeed(7, 0), 7);
    assert.equal(new Set(Array.from({ length: 1000 }, (_, i) => batchSeed(7, i))).size, 1000);
  });

  it('are well-formed, and hold all that is to be compared', () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 5; seed++) {
      const { zones, questions } = drawn(seed);
      for (const zone of zones) {
        const { diagnostics } = parseZone(zoneText(zone), {
          origin: wireName(zone.origin),
          file: zone.origin,
        });
        assert.ok(!hasErrors(diagnostics), diagnostics[0]?.message);
        for (const r of zone.records) {
          seen.add(r.owner === zone.origin ? `apex ${r.type}` : r.type);
          if (r.owner.startsWith('*.')) seen.add(`* ${r.type}`);
          if (zones.some(z => z !== zone && z.origin === r.owner)) seen.add('nested');
        }
      }
      for (const q of questions) assert.ok(message(q).length > 16);
    }
    for (const what of ['apex DNAME', 'apex NS', '* CNAME', '* A', 'nested', 'NS', 'DS', 'DNAME', 'TYPE4711'])
      assert.ok(seen.has(what), what);
  });
});

describe('the reducer', () => {
  it('leaves the records that the difference needs, the SOA and an NS', async () => {
    const { zones } = drawn(3);
    const needed = [zones[4].records.at(-1), zones[4].records.at(-2)];
    const few = await reduce(
      zones,
      async some => needed.every(r => r !== undefined && some.some(z => z.records.includes(r))),
      500,
    );
    assert.equal(few.length, 1);
    assert.deepEqual(few[0].records.map(r => r.type).slice(0, 2), ['SOA', 'NS']);
    assert.deepEqual(few[0].records.slice(2), zones[4].records.slice(-2));
  });

  it('stops when its trials are used up', async () => {
    let trials = 0;
    await reduce(drawn(3).zones, async () => ++trials > 0, 5);
    assert.equal(trials, 5);
  });
});

describe('against NSD and Knot', () => {
  const options: DifferOptions = {
    queries: 1500,
    seed: 4711,
    zones: 15,
    jobs: 1,
    wireEvery: 0,
    io: 'auto',
    stories: 1,
    trials: 30,
    tell: () => {},
  };

  it('no difference', async () => {
    const { passed, failed, stories } = await differ(options);
    assert.deepEqual([stories, passed, failed], [[], 1500, 0]);
  });

  it('a wildcard that goes past its closest encloser (RFC 4592 §3.3.1) is found, and told in few records', async t => {
    const real = Lookup.prototype.wildcard;
    t.mock.method(Lookup.prototype, 'wildcard', function (this: Lookup) {
      while (!real.call(this)) {
        if (this.node === 0) return false;
        this.node = this.parent(this.node);
      }
      return true;
    });
    const { failed, stories } = await differ(options);
    assert.ok(failed > 0);
    assert.match(stories[0], /the others agree/);
    const zone = stories[0].slice(stories[0].indexOf('{'), stories[0].indexOf('}'));
    assert.ok(zone.includes('*.'), zone);
    assert.ok(zone.split('\n').length < 20, zone);
    assert.match(stories[0], /--- nsd[\s\S]*--- knot/);
  });
});
