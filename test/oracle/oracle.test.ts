// A sample of what a real IPVS did (`npm run oracle -- --record`), played into the core, and into the core broken on purpose.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { BREAKS } from './breaks.ts';
import { CELLS, nameOf, PROVEN } from './cells.ts';
import { check } from './check.ts';
import { deviation } from './deviations.ts';
import type { Story } from './story.ts';
import { makeSubject } from './subject.ts';

const FILE = join(import.meta.dirname, '..', '..', '..', 'test', 'oracle', 'sample.json.gz');
const stories = JSON.parse(gunzipSync(readFileSync(FILE)).toString()) as Story[];

describe('a sample of a real IPVS', () => {
  it('has every scheduler, mode and family', () => {
    const words = stories.map(s => s.cell.split(' '));
    assert.deepEqual(new Set(words.map(w => w[0])), new Set(PROVEN));
    assert.deepEqual(new Set(words.map(w => `${w[1]} ${w[3]}`)).size, 8);
    assert.ok(stories.every(s => CELLS.some(c => nameOf(c) === s.cell)));
  });

  for (const story of stories) {
    it(`set-up ${story.index}, ${story.cell}: the core does what the kernel did`, () => {
      const { mismatch } = check(story, makeSubject, deviation);
      assert.equal(mismatch, undefined, JSON.stringify(mismatch, undefined, 1));
    });
  }
});

describe('the core broken on purpose is found out', () => {
  for (const { name, run } of BREAKS) {
    it(name, () => {
      const found = run(make => stories.find(story => check(story, make, deviation).mismatch !== undefined));
      assert.ok(found !== undefined, 'no story tells it from the kernel');
    });
  }
});
