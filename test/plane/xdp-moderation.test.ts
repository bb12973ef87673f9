// When a worker pauses: timed stories of clients, against a worker whose turn takes 2 µs and half a microsecond a frame.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Moderation } from '../../src/plane/xdp/moderation.ts';

const TURN = 2;
const FRAME = 0.5;
/** What the kernel adds to a pause. */
const SLACK = 50;
/** Most frames of a turn. */
const BATCH = 64;

/** Clients: when their next frames come, microseconds; told when one is handled. */
interface Clients {
  /** Frames that came in until `now` and were not taken yet. */
  waiting(now: number): number;
  take(frames: number, now: number): void;
  /** When the next frame comes that is not there yet. */
  next(now: number): number;
}

/** Many who know nothing of each other: `rate` frames in a millisecond, evenly. */
function crowd(rate: number): Clients {
  const gap = 1000 / rate;
  let taken = 0;
  return {
    waiting: now => Math.floor(now / gap) - taken,
    take: frames => {
      taken += frames;
    },
    // A little later: by rounding it would not be there yet.
    next: now => (Math.floor(now / gap) + 1) * gap + 1e-6,
  };
}

/** `count` of whom each sends again `think` microseconds after its frame was handled. */
function patient(count: number, think: number): Clients {
  const due = Array.from({ length: count }, (_, i) => i);
  return {
    waiting: now => due.filter(at => at <= now).length,
    take: (frames, now) => {
      due.sort((a, b) => a - b);
      for (let i = 0; i < frames; i++) due[i] = now + think;
    },
    next: now => Math.min(...due.filter(at => at > now)),
  };
}

/** What the worker did from `from` on, milliseconds: a millisecond's frames, its turns that found any, and the part of the time that it paused. */
interface Did {
  rate: number;
  batch: number;
  paused: number;
}

function work(moderation: Moderation, clients: Clients, from: number, to: number): Did {
  let now = from * 1000;
  let [frames, turns, paused] = [0, 0, 0];
  // Those of before are taken at once.
  clients.take(clients.waiting(now), now);
  while (now < to * 1000) {
    const n = Math.min(BATCH, clients.waiting(now));
    clients.take(n, now);
    frames += n;
    if (n > 0) turns++;
    now += n > 0 ? TURN + n * FRAME : 0;
    const pause = moderation.pause(n, Math.floor(now / 1000));
    if (pause > 0) {
      now += pause + SLACK;
      paused += pause + SLACK;
    } else if (clients.waiting(now) <= 0) now = Math.max(now, clients.next(now));
  }
  const span = to - from;
  return { rate: frames / span, batch: frames / turns, paused: paused / 1000 / span };
}

const adaptive = () => new Moderation('adaptive');

describe('a worker pauses between turns', () => {
  it('not while frames are few: each is handled at once', () => {
    for (const rate of [0.1, 1, 10, 29]) {
      const did = work(adaptive(), crowd(rate), 0, 1000);
      assert.equal(did.paused, 0, `${rate} a millisecond`);
    }
  });

  it('where many clients send: a turn has twenty frames and more, and none is left behind', () => {
    for (const rate of [80, 120, 200]) {
      const did = work(adaptive(), crowd(rate), 0, 1000);
      assert.ok(did.batch >= 20, `${rate}: ${did.batch} frames a turn`);
      assert.ok(did.paused > 0.5, `${rate}: paused ${did.paused}`);
      assert.ok(Math.abs(did.rate - rate) < rate / 100, `${rate}: ${did.rate}`);
    }
  });

  it('not when it is behind', () => {
    const moderation = adaptive();
    for (let now = 0; now < 100; now++) assert.equal(moderation.pause(BATCH, now), 0);
  });

  it('hardly where it would hold up all clients, which wait for their answers: they get them nearly as fast', () => {
    for (const count of [1, 4, 8, 16]) {
      const free = work(new Moderation('off'), patient(count, 150), 0, 2000);
      const did = work(adaptive(), patient(count, 150), 0, 2000);
      assert.ok(did.paused < 0.03, `${count} clients: paused ${did.paused}`);
      assert.ok(did.rate > 0.97 * free.rate, `${count} clients: ${did.rate} of ${free.rate} a millisecond`);
    }
  });

  it('again within half a second, when many come to few', () => {
    const moderation = adaptive();
    work(moderation, patient(16, 150), 0, 2000);
    const did = work(moderation, crowd(100), 2500, 3000);
    assert.ok(did.batch >= 20, `${did.batch} frames a turn`);
  });

  it('never if it is off', () => {
    assert.equal(work(new Moderation('off'), crowd(200), 0, 100).paused, 0);
  });
});
