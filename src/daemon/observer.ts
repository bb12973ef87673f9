// What this node itself has seen: one verdict for each thing it probes, summed up for each VIP.
//   prober → result → health/verdict → capacities (VIPs forwarded here) and sights (all others)

import { type Capacity, type Seen, vipCapacity, vipSight } from '../health/capacity.ts';
import { newVerdict, onResult, type RiseFall } from '../health/verdict.ts';
import type { Clock } from '../kit/clock.ts';
import type { Sight } from '../model/records.ts';
import type { Config } from '../model/schema.ts';
import type { RealServerStatus } from '../model/status.ts';
import type { SavedVerdict } from './statefile.ts';
import { forwards, realServerId, serverKey, type Target, targetsOf } from './targets.ts';

/** One thing that is probed, and what is known of it. */
export interface Watched {
  target: Target;
  verdict: RiseFall;
  /** The last result in words. */
  result: string;
}

export class Observer {
  #config: Config;
  readonly #node: string;
  readonly #clock: Clock;
  #watched = new Map<string, Watched>();
  /** VIPs with a service that the plane could not open: nothing gets through, whatever stands behind. */
  closed: ReadonlySet<string> = new Set();
  /** What was last said of a VIP: a real server that is added later does not make it unknown again, and watermarks look back. */
  readonly #last = new Map<string, Capacity>();

  /** `saved` are verdicts from before a restart. */
  constructor(config: Config, node: string, clock: Clock, saved: ReadonlyMap<string, SavedVerdict>) {
    this.#config = config;
    this.#node = node;
    this.#clock = clock;
    this.set(config, saved);
  }

  /** Takes up a new cluster file: what is still probed keeps its verdict. */
  set(config: Config, saved: ReadonlyMap<string, SavedVerdict> = new Map()): void {
    const before = this.#watched;
    this.#config = config;
    this.#watched = new Map();
    const now = this.#clock.mono();
    for (const target of targetsOf(config, this.#node)) {
      const old = before.get(target.id);
      const past = saved.get(target.id);
      const verdict =
        old?.verdict ??
        newVerdict(past === undefined ? now : now - (this.#clock.wall() - past.since), past?.state);
      this.#watched.set(target.id, {
        target,
        verdict,
        result: old?.result ?? (past ? 'from before the restart' : 'not probed yet'),
      });
    }
  }

  targets(): Target[] {
    return [...this.#watched.values()].map(w => w.target);
  }

  /** Takes a probe's result. Returns what is watched, and its state before, if that changed; else undefined. */
  result(id: string, ok: boolean, text: string): (Watched & { was: Sight }) | undefined {
    const w = this.#watched.get(id);
    if (w === undefined) return undefined;
    const before = w.verdict.state;
    w.result = text;
    w.verdict = onResult(w.verdict, ok, this.#clock.mono(), w.target.check);
    return w.verdict.state === before ? undefined : { ...w, was: before };
  }

  /** Whether everything probed has had a result (or a verdict from before the restart). */
  get settled(): boolean {
    for (const w of this.#watched.values()) if (w.verdict.state === 'unknown') return false;
    return true;
  }

  /** By VIP, those that this node forwards. */
  capacities(): Map<string, Capacity> {
    const out = new Map<string, Capacity>();
    for (const [name, vip] of Object.entries(this.#config.vips)) {
      if (!forwards(this.#config, this.#node, name)) continue;
      const verdictOf = (s: number, r: number) => {
        const service = vip.services[s];
        return this.#watched.get(realServerId(name, service, service.real_servers[r]))?.verdict;
      };
      const plane = this.#config.nodes[this.#node].director?.plane ?? 'proxy';
      const apart = plane === 'proxy' ? [] : familiesOf(vip.addresses);
      const capacity = vipCapacity(vip, verdictOf, this.#last.get(name), apart);
      this.#last.set(name, capacity);
      out.set(name, this.closed.has(name) ? { ...capacity, capacity: 0, known: true } : capacity);
    }
    return out;
  }

  /** By VIP, those that other nodes forward. */
  sights(): Map<string, Seen> {
    const probes = new Map<string, { address: string; pace: Target['check']; verdict: RiseFall }[]>();
    for (const name of Object.keys(this.#config.vips))
      if (!forwards(this.#config, this.#node, name)) probes.set(name, []);
    for (const { target, verdict } of this.#watched.values()) {
      if (target.kind === 'vip')
        probes.get(target.vip)?.push({ address: target.address, pace: target.check, verdict });
    }
    return new Map([...probes].map(([vip, list]) => [vip, vipSight(list)]));
  }

  /** Whether a real server is down in one of a VIP's services. Unknown and unchecked ones are not. */
  isDown(vip: string, service: number, key: string): boolean {
    const s = this.#config.vips[vip].services[service];
    const rs = s.real_servers.find(r => serverKey(r) === key);
    return rs !== undefined && this.#watched.get(realServerId(vip, s, rs))?.verdict.state === 'down';
  }

  /** The real servers of a VIP, service by service, as status shows them. */
  realServers(vip: string): RealServerStatus[] {
    const now = this.#clock.mono();
    return this.#config.vips[vip].services.flatMap(s =>
      s.real_servers.map((rs): RealServerStatus => {
        const key = serverKey(rs);
        const w = this.#watched.get(realServerId(vip, s, rs));
        const { name = key, weight } = rs;
        if (w === undefined) return { name, key, state: 'unchecked', for: 0, result: '-', weight };
        return { name, key, state: w.verdict.state, for: now - w.verdict.since, result: w.result, weight };
      }),
    );
  }

  /** All verdicts, for the state file. */
  save(): Record<string, SavedVerdict> {
    const ago = this.#clock.wall() - this.#clock.mono();
    const known = [...this.#watched].filter(([, w]) => w.verdict.state !== 'unknown');
    return Object.fromEntries(
      known.map(([id, w]) => [id, { state: w.verdict.state as 'up' | 'down', since: ago + w.verdict.since }]),
    );
  }
}

function familiesOf(addresses: readonly string[]): (4 | 6)[] {
  return [...new Set(addresses.map(a => (a.includes(':') ? 6 : 4)))];
}
