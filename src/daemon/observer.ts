// What this node itself has seen: one verdict for each thing it probes, summed up for each VIP.
//   prober → result → health/verdict → capacities (VIPs forwarded here) and sights (all others)

import { type Capacity, type Seen, vipCapacity, vipSight } from '../health/capacity.ts';
import { newVerdict, onResult, type RiseFall, together } from '../health/verdict.ts';
import type { Clock } from '../kit/clock.ts';
import type { Sight } from '../model/records.ts';
import type { Config } from '../model/schema.ts';
import type { RealServerStatus } from '../model/status.ts';
import { REFUSED, UNASKED } from '../probe/path.ts';
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
  /** By id of a real server: itself as it is asked for VIPs, by the way of clients' packets. */
  #vias = new Map<string, Watched[]>();
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
    this.#vias = new Map();
    const now = this.#clock.mono();
    for (const target of targetsOf(config, this.#node)) {
      const old = before.get(target.id);
      const past = saved.get(target.id);
      const verdict =
        old?.verdict ??
        newVerdict(past === undefined ? now : now - (this.#clock.wall() - past.since), past?.state);
      const watched = {
        target,
        verdict,
        result: old?.result ?? (past ? 'from before the restart' : 'not probed yet'),
      };
      this.#watched.set(target.id, watched);
      if (target.of === undefined) continue;
      const vias = this.#vias.get(target.of);
      if (vias === undefined) this.#vias.set(target.of, [watched]);
      else vias.push(watched);
    }
  }

  targets(): Target[] {
    return [...this.#watched.values()].map(w => w.target);
  }

  /**
   * Takes a probe's result. Returns what is watched, and its state before, if that changed; else undefined. A real server is one
   * thing, in however many ways it is asked.
   */
  result(id: string, ok: boolean, text: string): (Watched & { was: Sight }) | undefined {
    const w = this.#watched.get(id);
    if (w === undefined) return undefined;
    const whole = w.target.of ?? id;
    const was = this.#together(whole)?.state ?? 'unknown';
    w.result = text;
    w.verdict = onResult(w.verdict, ok, this.#clock.mono(), w.target.check);
    const own = this.#watched.get(whole);
    const verdict = this.#together(whole);
    if (own === undefined || verdict === undefined || verdict.state === was) return undefined;
    return { target: own.target, verdict, result: this.#words(own), was };
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
        return this.#together(realServerId(name, service, service.real_servers[r]));
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
    return rs !== undefined && this.#together(realServerId(vip, s, rs))?.state === 'down';
  }

  /** The real servers of a VIP, service by service, as status shows them. */
  realServers(vip: string): RealServerStatus[] {
    const now = this.#clock.mono();
    return this.#config.vips[vip].services.flatMap(s =>
      s.real_servers.map((rs): RealServerStatus => {
        const key = serverKey(rs);
        const id = realServerId(vip, s, rs);
        const w = this.#watched.get(id);
        const { name = key, weight } = rs;
        if (w === undefined) return { name, key, state: 'unchecked', for: 0, result: '-', weight };
        const { state, since } = this.#together(id) ?? w.verdict;
        const vias = this.#vias.get(id)?.map(v => ({
          vip: v.target.address,
          state: v.verdict.state,
          result: v.result,
        }));
        const result = this.#words(w);
        return { name, key, state, for: now - since, result, weight, ...(vias !== undefined && { vias }) };
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

  #together(id: string): RiseFall | undefined {
    const own = this.#watched.get(id)?.verdict;
    const vias = this.#vias.get(id);
    return own === undefined || vias === undefined
      ? own
      : together(
          own,
          vias.map(v => v.verdict),
        );
  }

  // The last result of a real server in words: what keeps it down, if something does.
  #words(own: Watched): string {
    const vias = this.#vias.get(own.target.id);
    if (vias === undefined || own.verdict.state === 'down') return own.result;
    const lacking = vias.find(v => v.verdict.state === 'down' && !v.verdict.against);
    if (lacking !== undefined) return lackText(own, lacking);
    const unasked = vias.find(v => v.result.startsWith(UNASKED))?.result.replace(/ in \d+ ms$/, '');
    return unasked === undefined ? own.result : `${own.result}; ${unasked}`;
  }
}

function lackText({ verdict }: Watched, { target: { address, via }, result }: Watched): string {
  const where = verdict.against === 0 ? 'answers at its own address, but ' : '';
  if (result === REFUSED)
    return `${where}refuses connections for VIP ${address}: does its service listen on that?`;
  const what = verdict.against === 0 ? 'not for' : 'does not answer for';
  const hint =
    via?.tunnel === undefined
      ? 'has it the VIP on lo?'
      : `has it the VIP, and does it take ${via.tunnel.type} out?`;
  // Of UDP a closed port is as silent.
  const more = via?.protocol === 'udp' ? ' Does its service listen on that?' : '';
  return `${where}${what} VIP ${address} (${result}): ${hint}${more}`;
}

function familiesOf(addresses: readonly string[]): (4 | 6)[] {
  return [...new Set(addresses.map(a => (a.includes(':') ? 6 : 4)))];
}
