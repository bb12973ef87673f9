// Operators' overrides in the order of a hybrid clock (Kulkarni et al. 2014, «Logical Physical Clocks»): wall time where
// the clocks agree, and what was said in knowledge of another always after it, however wrong a wall clock is.
//   override() → stamp → sign → Kept (disk, every Redis, every node) → in force
// A `ready` with weight 1 clears: it stays as a record, so that an older copy does not come back.
import { GtmError } from '../kit/errors.ts';
import type { Override } from '../model/records.ts';
import { overrideBody, parseOverride } from './body.ts';
import type { Kept } from './kept.ts';
import { BODY_BYTES, type Sealed, type Sealer } from './record.ts';

/** A clock that never gives the same stamp twice and never one that is not above all that it saw. */
export class HybridClock {
  #ms = 0;
  #count = 0;

  /** The next stamp, at wall time `wall` (ms). */
  tick(wall: number): { ms: number; count: number } {
    if (wall > this.#ms) {
      this.#ms = wall;
      this.#count = 0;
    } else this.#count++;
    return { ms: this.#ms, count: this.#count };
  }

  /** Takes note of another's stamp. */
  saw(stamp: { ms: number; count: number }): void {
    if (stamp.ms < this.#ms || (stamp.ms === this.#ms && stamp.count <= this.#count)) return;
    this.#ms = stamp.ms;
    this.#count = stamp.count;
  }
}

/** The overrides among the kept records. */
export class Overrides {
  readonly #kept: Kept;
  readonly #clock = new HybridClock();

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  /** Stamps, signs and merges; saved when it returns. Throws GTM_OVERRIDE_REFUSED if it makes no sense or finds no room. */
  say(o: Override, node: string, wall: number, sealer: Sealer): Sealed {
    for (const [, s] of this.#kept.entries())
      if (s.kind === 'override') this.#clock.saw({ ms: s.epoch, count: s.sequence });
    const stamp = this.#clock.tick(Math.max(0, Math.floor(wall)));
    const body = overrideBody(o);
    const s = sealer.seal('override', node, stamp.ms, stamp.count, body);
    if (parseOverride(s) === undefined)
      throw new GtmError('GTM_OVERRIDE_REFUSED', `override of ${o.target}: a field is out of bounds`);
    if (Buffer.byteLength(body) > BODY_BYTES.override)
      throw new GtmError('GTM_OVERRIDE_REFUSED', `override of ${o.target}: the reason is too long`);
    if (!this.#kept.merge(s))
      throw new GtmError('GTM_OVERRIDE_REFUSED', `override of ${o.target}: too many targets are overridden`);
    this.#kept.save();
    return s;
  }

  /** Those in force at wall time `wall`, by target. */
  inForce(wall: number): Override[] {
    const out: Override[] = [];
    for (const [, s] of this.#kept.entries()) {
      const o = s.kind === 'override' ? parseOverride(s) : undefined;
      if (o === undefined || (o.until !== undefined && o.until <= wall)) continue;
      if (o.state === 'ready' && (o.weight ?? 1) === 1) continue;
      out.push(o);
    }
    return out.sort((a, b) => (a.target < b.target ? -1 : 1));
  }

  /** Milliseconds until the next one in force ends by itself; undefined if none does. */
  nextEnd(wall: number): number | undefined {
    const ends = this.inForce(wall).flatMap(o => (o.until === undefined ? [] : [o.until - wall]));
    return ends.length === 0 ? undefined : Math.min(...ends);
  }
}

/** One text for a list of overrides: differs if anything in force does. */
export function fingerprint(list: readonly Override[]): string {
  return list.map(o => `${o.target} ${o.clock.ms}.${o.clock.count} ${o.node}`).join('\n');
}
