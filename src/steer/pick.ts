// Steering: the addresses that a pool answers with, now. The map of this room:
//   cluster file → table.packPools → (snapshot) → openPools → pick:  draft.load → weighted | failover → picked, ttl
//                                                    state words ──────┘    └ nobody up → alldown ┘
// Members in state up are in, all others out. A and AAAA are chosen apart, each among the members that have an address of
// the family; but whether a pool is down is a matter of all its members: while one is up, a family of which nobody is up
// has no answer (NODATA), and clients take the other.
import type { Rng } from '../kit/rng.ts';
import { type Client, PICK_SERVFAIL, type Steering } from '../model/steering.ts';
import { applyAllDown } from './alldown.ts';
import { Draft } from './draft.ts';
import { POLICY } from './policies.ts';
import { ALL_DOWN, POOL, PoolTable } from './table.ts';

/** Opens a packed section (see packPools) over a state table (model/state.ts). One for each worker and snapshot. */
export function openPools(section: Uint8Array, state: Uint32Array, rng: Rng): Steering {
  return new Picker(new Draft(new PoolTable(section), state, rng));
}

class Picker implements Steering {
  readonly picked: Uint8Array;
  ttl = 0;
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
    this.picked = draft.picked;
  }

  pick(pool: number, family: number, _client: Client): number {
    const draft = this.#draft;
    this.ttl = 0;
    if (pool >= draft.table.pools) return 0;
    const rule = draft.load(pool, family) ? -1 : applyAllDown(draft);
    if (rule === ALL_DOWN.servfail) return PICK_SERVFAIL;
    const { words } = draft.table;
    if (rule !== ALL_DOWN.static) POLICY[words[draft.row + POOL.policy]].pick(draft);
    const least = words[draft.row + POOL.minTtl];
    this.ttl = draft.seconds < least ? least : draft.seconds;
    return draft.taken;
  }
}
