// The reduction of a story, with a kernel that is played: it does again what the story says, and the fault hangs on some of its steps.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Mismatch } from './check.ts';
import { reduce } from './reduce.ts';
import type { Step, Story } from './story.ts';

const STORY: Story = {
  seed: 1,
  index: 2,
  cell: 'rr nat - v4',
  steps: [
    { at: 0, do: 'mtu', mtu: 1500 },
    ...Array.from({ length: 100 }, (_, i): Step => ({ at: i + 1, do: 'advance', ms: i })),
  ],
};

/** A fault at the step of 90 ms, if those of `wanted` went before it; its words are `what`. */
function hangsOn(wanted: readonly number[], what = 'frame: 1') {
  return (story: Story): Mismatch | undefined => {
    const ms = story.steps.map(s => (s.do === 'advance' ? s.ms : -1));
    const at = ms.indexOf(90);
    if (at < 0 || wanted.some(w => !ms.slice(0, at).includes(w))) return undefined;
    return { step: at, what: `${what}${ms.length}`, kernel: 'nothing', core: 'forwarded: something' };
  };
}

const times = (story: Story | undefined) => story?.steps.map(s => (s.do === 'advance' ? s.ms : 'mtu'));

describe('reduce', () => {
  it('leaves what the fault hangs on, and nothing else', async () => {
    for (const wanted of [[], [3], [3, 4, 70], [0, 17, 44, 89]]) {
      let played = 0;
      const play = async (all: readonly Story[]) => {
        played += all.length;
        return [...all];
      };
      const short = await reduce(STORY, play, hangsOn(wanted), 1, () => 0);
      assert.deepEqual(times(short), ['mtu', ...wanted, 90]);
      assert.ok(played < 200, `${played} stories`);
    }
  });

  it('stops when its time is over, with what it has by then', async () => {
    let now = 0;
    const play = async (all: readonly Story[]) => {
      now++;
      return [...all];
    };
    const short = await reduce(STORY, play, hangsOn([3, 4, 70]), 3, () => now);
    const left = times(short) as number[];
    assert.ok(left.length > 5 && left.length < 92 && left.at(-1) === 90, `${left}`);
  });

  it('takes no other fault for the same', async () => {
    const other = hangsOn([], 'counters of tcp');
    const own = hangsOn([50]);
    const fault = (s: Story) => own(s) ?? other(s);
    const short = await reduce(
      STORY,
      async all => [...all],
      fault,
      1,
      () => 0,
    );
    assert.deepEqual(times(short), ['mtu', 50, 90]);
  });

  it('says so when the fault does not show again', async () => {
    const fault = hangsOn([]);
    assert.equal(
      await reduce(
        STORY,
        async () => [],
        fault,
        1,
        () => 0,
      ),
      undefined,
    );
    const calm = async () => [{ ...STORY, steps: STORY.steps.slice(0, 5) }];
    assert.equal(await reduce(STORY, calm, fault, 1, () => 0), undefined);
  });
});
