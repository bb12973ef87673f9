// Helpers of the steering tests: a cluster file in short, its state table, and picks as text.
import { formatIp } from '../../src/kit/ip.ts';
import { seeded } from '../../src/kit/rng.ts';
import { type Config, type PoolConfig, schema } from '../../src/model/schema.ts';
import { newStateTable, packState, type StateName, setMember } from '../../src/model/state.ts';
import { type Client, newClient, PICK_SERVFAIL, type Steering } from '../../src/model/steering.ts';
import { openPools } from '../../src/steer/pick.ts';
import { memberList, packPools } from '../../src/steer/table.ts';

/** Who asks does not matter to the policies of now. */
export const CLIENT: Client = { ...newClient(false), port: 53 };

/** A cluster file with these VIPs (name → addresses) and pools (in the words of the cluster file). */
export function cluster(vips: Record<string, string[]>, pools: Record<string, object>): Config {
  const services = [{ protocol: 'tcp', port: 80, real_servers: [{ address: '192.0.2.1', port: 80 }] }];
  return schema.parse({
    cluster: 'test',
    sites: { fra: {} },
    nodes: { 'fra-1': { site: 'fra' } },
    vips: Object.fromEntries(
      Object.entries(vips).map(([name, addresses]) => [name, { site: 'fra', addresses, services }]),
    ),
    pools,
    zones: {},
  });
}

/** VIPs a, b, c … at 192.0.2.1, .2, … and a pool `p` over them with these weights. */
export function simple(weights: number[], pool: object = {}): Bench {
  const names = weights.map((_, i) => String.fromCharCode(97 + i));
  const vips = Object.fromEntries(names.map((n, i) => [n, [`192.0.2.${i + 1}`]]));
  const members = names.map((vip, i) => ({ vip, weight: weights[i] }));
  return new Bench(cluster(vips, { p: { policy: 'weighted', ...pool, members } }));
}

/** A packed cluster file with its state table; all members up to begin with. */
export class Bench {
  readonly config: Config;
  readonly state: Uint32Array;
  readonly steering: Steering;

  constructor(config: Config, seed = 1) {
    this.config = config;
    const members = memberList(config);
    this.state = newStateTable(members.length);
    for (const m of members) setMember(this.state, m.index, packState('up', 0, 1), 60);
    this.steering = openPools(packPools(config), this.state, seeded(seed));
  }

  /** Sets member `index`: its state, factor, flags, and the seconds it will stay so. */
  set(index: number, state: StateName, factor = 1, flags = 0, seconds = 60): this {
    setMember(this.state, index, packState(state, flags, factor), seconds);
    return this;
  }

  /** One pick as text: the addresses in their order, `servfail`, or nothing. */
  pick(family = 4, pool = 0): string {
    const n = this.steering.pick(pool, family, CLIENT);
    if (n === PICK_SERVFAIL) return 'servfail';
    const size = family === 4 ? 4 : 16;
    return Array.from({ length: n }, (_, i) => formatIp(this.steering.picked, i * size, size)).join(' ');
  }

  /** All answers of many picks, without regard to order, sorted. */
  answers(family = 4, picks = 300): string[] {
    return [
      ...new Set(Array.from({ length: picks }, () => this.pick(family).split(' ').sort().join(' '))),
    ].sort();
  }

  pool(): PoolConfig {
    return Object.values(this.config.pools)[0];
  }
}

/** Σ (observed − expected)² / expected. */
export function chiSquare(observed: readonly number[], expected: readonly number[]): number {
  return observed.reduce((sum, o, i) => sum + (o - expected[i]) ** 2 / expected[i], 0);
}
