// The weights that the plane forwards with: the configured one, or 0 for a real server that is down and for a VIP that is
// held. A drained VIP takes new connections for as long as answers that hold it may be cached, then none; one in
// `maint` takes none at once. Open connections go on in any case.
import type { Evaluation } from '../health/evaluate.ts';
import type { Config } from '../model/schema.ts';
import type { ServiceSpec } from '../model/service.ts';
import type { Observer } from './observer.ts';
import { servicesOf } from './services.ts';

/** A weight that changed, of a real server that stands in one service of its VIP only. */
export interface WeightChange {
  vip: string;
  key: string;
  weight: number;
}

export class Weights {
  readonly #node: string;
  readonly #drainedSince = new Map<string, number>();
  #last = new Map<string, WeightChange>();

  constructor(node: string) {
    this.#node = node;
  }

  /** The services to apply, with the weights of now (`mono` ms). */
  services(config: Config, observer: Observer, evaluation: Evaluation, mono: number): ServiceSpec[] {
    this.#note(evaluation, mono);
    const specs = servicesOf(config, this.#node, (vip, service, key, configured) =>
      this.#closed(config, evaluation, vip, mono) || observer.isDown(vip, service, key) ? 0 : configured,
    );
    this.#last = weightsOf(specs);
    return specs;
  }

  /** What changed since the last call of either method; `whole` when single changes cannot say it. */
  update(
    config: Config,
    observer: Observer,
    evaluation: Evaluation,
    mono: number,
  ): { whole: boolean; single: WeightChange[] } {
    const before = this.#last;
    const specs = this.services(config, observer, evaluation, mono);
    const changed = [...this.#last].filter(([id, w]) => before.get(id)?.weight !== w.weight);
    const single = changed.map(([, w]) => w);
    // `weigh` goes to every service of the VIP that has the server: right only if all agree.
    const whole = single.some(c =>
      specs.some(s => s.vip === c.vip && s.realServers.some(r => r.key === c.key && r.weight !== c.weight)),
    );
    return { whole, single };
  }

  #note(evaluation: Evaluation, mono: number): void {
    for (const [vip, { state }] of evaluation.vips) {
      if (state !== 'drain') this.#drainedSince.delete(vip);
      else if (!this.#drainedSince.has(vip)) this.#drainedSince.set(vip, mono);
    }
  }

  #closed(config: Config, evaluation: Evaluation, vip: string, mono: number): boolean {
    if (evaluation.vips.get(vip)?.state === 'maint') return true;
    const since = this.#drainedSince.get(vip);
    return since !== undefined && mono - since >= drainGrace(config, vip);
  }
}

/** How long (ms) answers that hold a VIP may live in caches: the longest TTL of its pools. */
export function drainGrace(config: Config, vip: string): number {
  const pools = Object.values(config.pools).filter(p => p.members.some(m => m.vip === vip));
  return Math.max(0, ...pools.map(p => p.ttl));
}

function weightsOf(specs: readonly ServiceSpec[]): Map<string, WeightChange> {
  return new Map(
    specs.flatMap(s =>
      s.realServers.map(r => [`${s.key} ${r.key}`, { vip: s.vip, key: r.key, weight: r.weight }] as const),
    ),
  );
}
