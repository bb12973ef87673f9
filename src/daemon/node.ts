// One node of the cluster: everything it runs, put together. No state outside of the object, so that a demo may run several.
//   prober ─result→ observer ─verdict→ settle() ─→ state words (answer workers read them)
//   coordinator ─news──────────────────┘  ↑   ├─→ weights → plane
//   operator, schedules, time ────────────┘   └─→ our own report → coordinator
// start: forward → join → start; what only a later one needs is loaded then.
// `settle` is the only place that turns what is known into what is answered and forwarded.
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { DemoServers, ReloadResult } from '../admin/node.ts';
import type { Settings } from '../dns/settings.ts';
import { type Evaluation, evaluate } from '../health/evaluate.ts';
import { makeReport } from '../health/report.ts';
import type { Clock } from '../kit/clock.ts';
import { type Diagnostic, formatDiagnostic, summarize } from '../kit/diag.ts';
import { reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { Rng } from '../kit/rng.ts';
import type { Coordinator } from '../model/records.ts';
import type { Config, NodeConfig } from '../model/schema.ts';
import type { Plane } from '../model/service.ts';
import { newStateTable } from '../model/state.ts';
import type { Ahead } from '../plane/xdp/ahead.ts';
import { memberList } from '../steer/table.ts';
import { startAnswers } from './answering.ts';
import type { Answers } from './answers.ts';
import { Calendar } from './calendar.ts';
import { tellChanges, tellVerdict, writeStates } from './effects.ts';
import { Events } from './events.ts';
import type { Sound } from './loader.ts';
import { Observer } from './observer.ts';
import { openPlane } from './planes.ts';
import { Probing } from './probing.ts';
import { Rates } from './rates.ts';
import { buildSnapshot, type Snapshot } from './snapshot.ts';
import { loadVerdicts, saveVerdicts } from './statefile.ts';
import { Weights } from './weights.ts';

export interface NodeOptions {
  name: string;
  loaded: Sound;
  coordinator: Coordinator;
  stateDir: string;
  log: Log;
  clock: Clock;
  rng: Rng;
  /** What stands ready of the plane. */
  ahead?: Ahead;
  /** Reads the files again and hands the outcome to every node of the process; resolves with the diagnostics. */
  reload: () => Promise<Diagnostic[]>;
  demo?: DemoServers;
}

/** Slow things (slow start, ages, TTLs to the next change) are looked at this often, ms. */
const TICK = 1000;
/** Ticks between two tries of a service that could not be opened. */
const RETRY = 5;
/** What the first round may take beyond the longest time-out of a check, ms. */
const FIRST_ROUND_SLACK = 700;

export class Node {
  readonly o: NodeOptions;
  readonly events: Events;
  readonly observer: Observer;
  readonly probing: Probing;
  readonly rates = new Rates();
  readonly calendar: Calendar;
  readonly started: number;
  loaded: Sound;
  loadedAt: number;
  fault: string | undefined;
  snapshot: Snapshot;
  state: Uint32Array;
  evaluation: Evaluation;
  ready = false;
  plane: Plane | undefined;
  answers: Answers | undefined;
  /** Generations of zones that an answer worker may have: ours, and those tried since. */
  held: readonly number[];
  readonly #weights: Weights;
  /** What nobody outside can guess of how we answer, as long as we run. */
  readonly #random = randomBytes(20);
  #settings: Settings | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Services that could not be opened, by key; tried again every RETRY ticks. */
  #faults: ReadonlyMap<string, string> = new Map();
  #ticks = 0;
  #saveFault = '';
  #settling = false;
  #joined = false;
  #closed = false;

  constructor(options: NodeOptions) {
    this.o = options;
    const { name, clock, log, stateDir } = options;
    this.loaded = options.loaded;
    this.loadedAt = clock.wall();
    this.started = clock.mono();
    this.events = new Events(clock, log);
    this.observer = new Observer(this.config, name, clock, loadVerdicts(stateDir, name, clock.wall()));
    this.calendar = new Calendar(this.config, clock, () => this.settleSoon());
    this.#weights = new Weights(name);
    this.snapshot = buildSnapshot(1, this.config, this.loaded.compiled);
    this.held = [this.snapshot.zones.generation];
    this.state = newStateTable(memberList(this.config).length);
    this.evaluation = this.#evaluate();
    const onResult = (id: string, r: { ok: boolean; text: string }) => this.#probed(id, r);
    this.probing = new Probing({ clock, log, onResult, onPace: fault => this.#tellPace(fault) });
    options.coordinator.onChange(() => this.settleSoon());
  }

  get config(): Config {
    return this.loaded.config;
  }

  get generation(): number {
    return this.snapshot.generation;
  }

  get self(): NodeConfig {
    return this.config.nodes[this.o.name];
  }

  /** A start begins: the plane forwards with the weights known so far, those of before a restart. Clients wait for nothing else. */
  async forward(): Promise<void> {
    const { director } = this.self;
    if (director === undefined) return;
    const onFault = (text: string) => this.events.add('error', 'plane', 'plane', text);
    const loaded = () => this.loaded;
    this.plane = await openPlane({ ...this.o, director, onFault, loaded });
    await this.#applyPlane();
  }

  /** Then the coordinator is joined, and probes are loaded. Who knows its verdicts from before answers. Rejects with GTM_LISTEN… */
  async join(): Promise<void> {
    const loaded = this.probing.load(this.observer.targets());
    await this.o.coordinator.start();
    this.#joined = true;
    if (this.observer.settled && !this.#closed) await this.#answer();
    await loaded;
  }

  /** At last: probes, and once their first round is through (or took too long), answers. Rejects with GTM_LISTEN… */
  async start(): Promise<void> {
    const patience = Math.max(0, ...this.observer.targets().map(t => t.check.timeout)) + FIRST_ROUND_SLACK;
    const deadline = this.o.clock.mono() + patience;
    this.probing.set(this.observer.targets());
    while (!this.observer.settled && this.o.clock.mono() < deadline && !this.#closed) await pause(10);
    await this.#answer();
    this.#timers.add(setInterval(() => this.#tick(), TICK));
    this.ready = true;
    this.events.add('info', 'node', this.o.name, `ready: generation ${this.generation}`);
  }

  /** Evaluates in a moment, once for whatever comes together. */
  settleSoon(): void {
    if (this.#settling || !this.#joined || this.#closed) return;
    this.#settling = true;
    setImmediate(() => {
      this.#settling = false;
      if (!this.#closed) this.settle();
    });
  }

  /** Turns all that is known now into answers, weights and our report. */
  settle(): void {
    const before = this.evaluation;
    this.evaluation = this.#evaluate();
    writeStates(this.state, this.evaluation.members);
    const mono = this.o.clock.mono();
    if (this.plane !== undefined) {
      const changed = this.#weights.update(this.config, this.observer, this.evaluation, mono);
      if (changed.whole) void this.#applyPlane();
      else for (const c of changed.single) this.plane.weigh(c.vip, c.key, c.weight);
    }
    const { observer, rates } = this;
    const capacities = observer.capacities();
    this.o.coordinator.publish(
      makeReport(this.self.site, capacities, observer.sights(), vip => rates.of(vip)),
    );
    tellChanges(this.events, this.config, before, this.evaluation);
  }

  /** Takes up freshly read files, all or nothing. The files have no errors. */
  async replace(loaded: Sound): Promise<void> {
    const before = this.loaded;
    if (loaded.digest === before.digest) {
      this.#mended();
      return;
    }
    const { changesOf, tellReload } = await import('./changes.ts');
    const changes = changesOf(before.config, loaded.config, this.o.name);
    // Built and given to the answer workers before anything forwards differently: what fails must leave no trace.
    const old = { snapshot: this.snapshot, state: this.state };
    const snapshot = buildSnapshot(this.generation + 1, loaded.config, loaded.compiled);
    this.held = [...this.held, loaded.compiled.generation];
    this.#take(loaded, snapshot, newStateTable(memberList(loaded.config).length));
    try {
      const { dns } = this.self;
      const { shareSettings } = await import('../dns/settings.ts');
      const settings = dns && shareSettings(dns, this.#random, this.#settings);
      await this.answers?.swap(snapshot.buffer, this.state, snapshot.zones.arena, settings);
      this.#settings = settings ?? this.#settings;
      this.held = [loaded.compiled.generation];
    } catch (e) {
      this.#take(before, old.snapshot, old.state);
      this.fault = `the answer workers refused the new snapshot: ${reason(e)}`;
      this.events.add('error', 'config', 'reload', `${this.fault}; generation ${this.generation} goes on`);
      return;
    }
    this.loadedAt = this.o.clock.wall();
    this.calendar.set(this.config);
    this.probing.set(this.observer.targets());
    this.settle();
    if (this.plane !== undefined) await this.#applyPlane();
    this.#mended();
    tellReload(this.events, this.generation, changes);
  }

  /** The files have faults: what runs goes on, and says so. */
  refuse(diagnostics: readonly Diagnostic[]): void {
    const errors = diagnostics.filter(d => d.severity === 'error');
    this.fault = formatDiagnostic(errors[0]);
    this.events.add(
      'error',
      'config',
      'reload',
      `refused (${summarize(errors)}); generation ${this.generation} goes on: ${this.fault}`,
    );
  }

  /** Reload as the API asks for it. */
  async reload(): Promise<ReloadResult> {
    const before = this.config;
    const { changesOf, changeText } = await import('./changes.ts');
    const diagnostics = await this.o.reload();
    const changes = changesOf(before, this.config, this.o.name).map(changeText);
    return { generation: this.generation, diagnostics, changes };
  }

  /** Ends all but forwarding. */
  async leave(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.ready = false;
    for (const t of this.#timers) clearInterval(t);
    this.calendar.close();
    this.#saveVerdicts();
    await Promise.all([this.probing.close(), this.answers?.close()]);
    await this.o.coordinator.close();
  }

  /** Ends forwarding too: from here on clients wait for the next run. */
  async close(): Promise<void> {
    await this.leave();
    await this.plane?.close();
  }

  #take(loaded: Sound, snapshot: Snapshot, state: Uint32Array): void {
    this.loaded = loaded;
    this.snapshot = snapshot;
    this.state = state;
    this.observer.set(this.config);
    this.evaluation = this.#evaluate();
    writeStates(this.state, this.evaluation.members);
  }

  #evaluate(): Evaluation {
    const { clock, coordinator, name } = this.o;
    return evaluate(this.config, {
      node: name,
      now: clock.mono(),
      wall: clock.wall(),
      alone: coordinator.status().mode === 'alone',
      capacities: this.observer.capacities(),
      sights: this.observer.sights(),
      rates: new Map(Object.keys(this.config.vips).map(v => [v, this.rates.of(v).rate])),
      peers: coordinator.peers(),
      overrides: coordinator.overrides(),
      active: this.calendar.active(),
      memory: this.evaluation?.memory,
    });
  }

  #probed(id: string, result: { ok: boolean; text: string }): void {
    const changed = this.observer.result(id, result.ok, result.text);
    if (changed === undefined) return;
    tellVerdict(this.events, changed);
    // At once, not soon: this is what the time from a fault to the last bad answer is made of.
    if (this.ready) this.settle();
  }

  #tellPace(fault: string | undefined): void {
    this.events.add(fault === undefined ? 'info' : 'warn', 'probe', 'probes', fault ?? 'on time again');
  }

  #tick(): void {
    if (this.plane !== undefined) this.rates.step(this.plane.counters(), this.o.clock.mono());
    if (this.#faults.size > 0 && ++this.#ticks % RETRY === 0) void this.#applyPlane();
    this.settle();
    this.#saveVerdicts();
  }

  async #applyPlane(): Promise<void> {
    const services = this.#weights.services(this.config, this.observer, this.evaluation, this.o.clock.mono());
    const faults = new Map((await this.plane?.apply(services))?.map(f => [f.key, f.fault]));
    for (const [key, fault] of faults) {
      if (this.#faults.get(key) !== fault) this.events.add('error', 'plane', `service ${key}`, fault);
    }
    for (const key of this.#faults.keys()) {
      if (!faults.has(key)) this.events.add('info', 'plane', `service ${key}`, 'forwards again');
    }
    this.#faults = faults;
    this.observer.closed = new Set(services.filter(s => faults.has(s.key)).map(s => s.vip));
    this.settleSoon();
  }

  async #answer(): Promise<void> {
    this.settle();
    const { dns } = this.self;
    if (dns === undefined || this.answers !== undefined) return;
    const { settings, answers } = await startAnswers(
      dns,
      this.#random,
      this.snapshot,
      this.state,
      this.o.log,
    );
    this.#settings = settings;
    this.answers = answers;
  }

  #mended(): void {
    if (this.fault !== undefined)
      this.events.add('info', 'config', 'reload', 'the files have no faults any more');
    this.fault = undefined;
  }

  #saveVerdicts(): void {
    let fault = '';
    try {
      saveVerdicts(this.o.stateDir, this.o.name, this.observer.save(), this.o.clock.wall());
    } catch (e) {
      fault = reason(e);
    }
    if (fault !== '' && fault !== this.#saveFault) {
      this.o.log.warn({}, `state: verdicts not saved, the next start will be cold: ${fault}`);
    }
    this.#saveFault = fault;
  }
}
