// Timed stories: a small cluster under a clock, told in lines, every node evaluating twice a second.
//   sites fra nyc · also fra-2 · director fra-2 · alone · slow-start 10s · floor 30% · pool {…}     (before the first time)
//   0s all well                          every director at 100 %, everyone sees every VIP
//   0s fra-1 has web-fra at 50%          its director's capacity · probes web-fra anew · 0s nyc-1 sees web-fra down
//   0s fra-1 stops · starts · 0s cut fra nyc · join fra nyc · 0s anna says vip/web-fra drain for 10s · weight 50%
//   0s schedule night begins · ends · 3s nyc-1: web-fra up 50% stale «words of the why»     (the last: what must hold)
import assert from 'node:assert/strict';
import type { Capacity, Seen } from '../../src/health/capacity.ts';
import { type Evaluation, evaluate } from '../../src/health/evaluate.ts';
import type { Memory } from '../../src/health/memory.ts';
import { makeReport } from '../../src/health/report.ts';
import { percentText } from '../../src/health/text.ts';
import { parseDuration } from '../../src/kit/duration.ts';
import type { AdminState, NodeReport, Override, PeerView, Sight } from '../../src/model/records.ts';
import { type Config, schema } from '../../src/model/schema.ts';

const LIFETIME = 5000;
const STEP = 500;
const WALL = Date.UTC(2026, 0, 1);

interface NodeWorld {
  site: string;
  running: boolean;
  capacities: Map<string, Capacity>;
  sights: Map<string, Seen>;
  heard: Map<string, { report: NodeReport; at: number }>;
  memory: Memory | undefined;
  evaluation: Evaluation | undefined;
}

export class Story {
  now = 0;
  readonly nodes = new Map<string, NodeWorld>();
  #sites = ['fra', 'nyc'];
  #extra: { node: string; director: boolean }[] = [];
  #alone = false;
  #vip: object = {};
  #pool: object = {};
  #config: Config | undefined;
  readonly #cuts = new Set<string>();
  readonly #overrides = new Map<string, Override>();
  readonly #active = new Set<string>();

  /** Tells one line; throws when an expectation does not hold. */
  tell(line: string): void {
    const timed = /^(\d+(?:ms|s|m|h))\s+(.*)$/.exec(line);
    if (timed === null) {
      this.#setting(line);
      return;
    }
    this.#runTo(parseDuration(timed[1]) as number);
    const expectation = /^(\S+): (\S+) (up|down|unknown|drain|maint)\b(.*)$/.exec(timed[2]);
    if (expectation === null) this.#event(timed[2]);
    else this.#expect(expectation[1], expectation[2], expectation[3], expectation[4]);
  }

  #setting(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'sites') this.#sites = rest;
    else if (word === 'also' || word === 'director')
      this.#extra.push({ node: rest[0], director: word === 'director' });
    else if (word === 'alone') this.#alone = true;
    else if (word === 'slow-start') this.#vip = { ...this.#vip, slow_start: rest[0] };
    else if (word === 'floor') this.#vip = { ...this.#vip, floor: rest[0] };
    else if (word === 'pool') this.#pool = JSON.parse(rest.join(' '));
    else assert.fail(`no such setting: ${line}`);
  }

  get config(): Config {
    this.#config ??= this.#build();
    return this.#config;
  }

  #build(): Config {
    const check = { tcp: {}, interval: '1s', timeout: '500ms', rise: 2, fall: 3 };
    const services = [
      { protocol: 'tcp', port: 80, check, real_servers: [{ address: '192.0.2.1', port: 80 }] },
    ];
    const nodes: Record<string, object> = {};
    for (const site of this.#sites) nodes[`${site}-1`] = { site, director: {} };
    for (const { node, director } of this.#extra)
      nodes[node] = { site: node.split('-')[0], ...(director ? { director: {} } : {}) };
    const vips = Object.fromEntries(
      this.#sites.map((site, i) => [
        `web-${site}`,
        { site, addresses: [`192.0.2.${i + 1}`], services, ...this.#vip },
      ]),
    );
    const members = Object.keys(vips).map(vip => ({ vip, weight: 10 }));
    const config = schema.parse({
      cluster: 'story',
      sites: Object.fromEntries(this.#sites.map(s => [s, {}])),
      nodes,
      vips,
      pools: { web: { policy: 'weighted', members, ...this.#pool } },
      zones: {},
      schedules: {
        night: { cron: '0 2 * * *', for: '2h', site: 'nyc', weight: '0%' },
        peak: { cron: '0 8 * * *', for: '2h', vip: 'web-fra', weight: '150%' },
      },
    });
    for (const [name, n] of Object.entries(config.nodes)) this.nodes.set(name, newNode(n.site));
    return config;
  }

  #event(text: string): void {
    const words = text.split(' ');
    const m =
      /^(\S+) has (\S+) at (\d+)%$/.exec(text) ??
      /^(\S+) sees (\S+) (up|down|unknown)$/.exec(text) ??
      undefined;
    if (text === 'all well') this.#allWell();
    else if (m?.[0].includes(' has ')) this.#has(m[1], m[2], Number(m[3]) / 100);
    else if (m !== undefined) this.node(m[1]).sights.set(m[2], { sight: m[3] as Sight, seconds: 3 });
    else if (words[1] === 'probes') this.#forgets(words[0], words[2]);
    else if (words[1] === 'stops') this.node(words[0]).running = false;
    else if (words[1] === 'starts') this.nodes.set(words[0], newNode(this.node(words[0]).site));
    else if (words[0] === 'cut') this.#cuts.add([words[1], words[2]].sort().join(' '));
    else if (words[0] === 'join') this.#cuts.delete([words[1], words[2]].sort().join(' '));
    else if (words[1] === 'says') this.#says(words[0], words.slice(2));
    else if (words[0] === 'schedule' && words[2] === 'begins') this.#active.add(words[1]);
    else if (words[0] === 'schedule') this.#active.delete(words[1]);
    else assert.fail(`no such event: ${text}`);
    this.#evaluateAll();
  }

  node(name: string): NodeWorld {
    const n = this.nodes.get(name);
    assert.ok(n !== undefined, `no such node: ${name}`);
    return n;
  }

  #forwards(node: string, vip: string): boolean {
    const n = this.config.nodes[node];
    return n.director !== undefined && n.site === this.config.vips[vip].site;
  }

  #has(node: string, vip: string, capacity: number): void {
    assert.ok(this.#forwards(node, vip), `${node} does not forward ${vip}`);
    const healthy = Math.round(capacity * 10);
    this.node(node).capacities.set(vip, { capacity, known: true, healthy, total: 10, seconds: 3 });
  }

  #forgets(node: string, vip: string): void {
    this.#has(node, vip, 0);
    const { capacities } = this.node(node);
    capacities.set(vip, { ...(capacities.get(vip) as Capacity), known: false });
  }

  #allWell(): void {
    for (const [name, n] of this.nodes)
      for (const vip of Object.keys(this.config.vips))
        if (this.#forwards(name, vip)) this.#has(name, vip, 1);
        else n.sights.set(vip, { sight: 'up', seconds: 3 });
  }

  #says(who: string, [target, ...rest]: string[]): void {
    const o: Override = {
      target,
      state: 'ready',
      reason: 'test',
      who,
      since: WALL + this.now,
      clock: { ms: WALL + this.now, count: 0 },
      node: 'fra-1',
    };
    for (let i = 0; i < rest.length; i++) {
      if (rest[i] === 'weight') o.weight = Number(rest[++i].replace('%', '')) / 100;
      else if (rest[i] === 'for') o.until = WALL + this.now + (parseDuration(rest[++i]) as number);
      else o.state = rest[i] as AdminState;
    }
    this.#overrides.set(target, o);
  }

  #runTo(ms: number): void {
    assert.ok(this.config !== undefined && ms >= this.now, 'time goes on');
    while (this.now < ms) {
      this.now = Math.min(ms, this.now + STEP);
      this.#evaluateAll();
    }
  }

  // Everyone hears everyone whose site is not cut off, then everyone evaluates.
  #evaluateAll(): void {
    for (const [name, n] of this.nodes) {
      if (!n.running || this.#alone) continue;
      const report = makeReport(n.site, n.capacities, n.sights, () => ({ connections: 0, rate: 0 }));
      for (const [other, o] of this.nodes)
        if (other !== name && !this.#cuts.has([n.site, o.site].sort().join(' ')))
          o.heard.set(name, { report, at: this.now });
    }
    for (const [name, n] of this.nodes) if (n.running) this.#evaluate(name, n);
  }

  #evaluate(name: string, n: NodeWorld): void {
    const peers = [...n.heard].map(([node, { report, at }]): PeerView => {
      const age = this.now - at;
      return { node, report, epoch: 1, sequence: at, age, fresh: age < LIFETIME };
    });
    n.evaluation = evaluate(this.config, {
      node: name,
      now: this.now,
      wall: WALL + this.now,
      alone: this.#alone,
      capacities: n.capacities,
      sights: n.sights,
      peers,
      overrides: [...this.#overrides.values()],
      active: this.#active,
      memory: n.memory,
    });
    n.memory = n.evaluation.memory;
  }

  #expect(node: string, vip: string, state: string, rest: string): void {
    const n = this.node(node);
    assert.ok(n.running, `${node} is not running`);
    const member = n.evaluation?.members.find(m => m.vip === vip);
    assert.ok(member !== undefined, `no such member: ${vip}`);
    const words: string[] = rest.match(/«[^»]*»|\S+/g) ?? [];
    const seen = [state, ...words.filter(w => !w.startsWith('«'))].join(' ');
    const is = [
      member.state,
      ...(words.some(w => w.endsWith('%')) ? [percentText(member.factor)] : []),
      ...(['real-up', 'real-down', 'real-unknown'].some(w => words.includes(w))
        ? [`real-${member.real}`]
        : []),
      ...(member.stale ? ['stale'] : []),
      ...(words.includes('last-known') || words.includes('not-last-known')
        ? [member.lastKnown ? 'last-known' : 'not-last-known']
        : []),
    ].join(' ');
    assert.equal(is, seen, `${node} about ${vip}: ${member.why}`);
    for (const w of words.filter(t => t.startsWith('«')))
      assert.ok(member.why.includes(w.slice(1, -1)), `${w} is not in «${member.why}»`);
  }
}

function newNode(site: string): NodeWorld {
  return {
    site,
    running: true,
    capacities: new Map(),
    sights: new Map(),
    heard: new Map(),
    memory: undefined,
    evaluation: undefined,
  };
}
