// The coordinator over several Redis: what this node says goes to each, what any of them says is merged, and no Redis
// has to know of another. All waiting is done in Backend; here nothing waits.
//   publish ─(tick)→ seal → every Backend          override → Overrides → Kept → every Backend
//   Backend ─poll · push→ Inbox ─news→ onChange
// Invariant: (epoch, sequence) of this node only grows; an epoch is on disk before it is in any record.
import type { Clock } from '../kit/clock.ts';
import type { Log } from '../kit/log.ts';
import type { Rng } from '../kit/rng.ts';
import type { Coordinator, CoordinatorStatus, NodeReport, Override, PeerView } from '../model/records.ts';
import { Backend } from './backend.ts';
import { DropBook } from './drops.ts';
import { readEpoch, writeEpoch } from './epoch.ts';
import { Inbox, type News } from './inbox.ts';
import { fieldOf, Kept } from './kept.ts';
import { afterInput, type Dial } from './link.ts';
import { fingerprint, Overrides } from './overrides.ts';
import { BODY_BYTES, compareMarks, Sealer } from './record.ts';

export interface CoordinatorOptions {
  cluster: string;
  node: string;
  /** Every node of the configuration; records of others are not looked at. */
  nodes: readonly string[];
  /** The secret that all nodes share. */
  secret: string;
  /** Milliseconds after which a record that was not renewed is expired. */
  lifetime: number;
  /** Folder for the epoch and the overrides. */
  stateDir: string;
  clock: Clock;
  log: Log;
  rng: Rng;
  /** Called before the first connection: loads what that takes. */
  prepare?: () => Promise<void>;
}

/** Milliseconds: between heartbeats, at most; for the first contact at start; between two changes that are sent at once. */
const BEAT = 1000;
const START = 1500;
const SPACING = 20;
const WAKE = 3_600_000;

export class RedisCoordinator implements Coordinator {
  readonly #o: CoordinatorOptions;
  readonly #backends: Backend[];
  readonly #sealer: Sealer;
  readonly #kept: Kept;
  readonly #overrides: Overrides;
  readonly #drops: DropBook;
  readonly #inbox: Inbox;
  #epoch = 0;
  #sequence = 0;
  #body: string | undefined;
  #sentAt = -Infinity;
  #sending = false;
  #beat: NodeJS.Timeout | undefined;
  #wake: NodeJS.Timeout | undefined;
  #started = false;
  #closed = false;
  #told = '';
  #telling = false;
  #mode: CoordinatorStatus['mode'] | undefined;
  #listener: () => void = () => {};

  constructor(options: CoordinatorOptions, places: { url: string; dial: Dial }[]) {
    const { cluster, node, nodes, clock, rng, log } = options;
    this.#o = options;
    this.#sealer = new Sealer(cluster, options.secret);
    this.#drops = new DropBook(log, () => clock.mono());
    this.#kept = new Kept(options.stateDir, node, log);
    this.#kept.load(node, this.#sealer);
    this.#overrides = new Overrides(this.#kept);
    this.#inbox = new Inbox(options, clock, this.#sealer, this.#kept, this.#drops);
    this.#told = fingerprint(this.overrides());
    this.#backends = places.map(place => {
      const backend: Backend = new Backend({ ...place, cluster, self: node, nodes }, clock, rng, {
        asked: () => this.#inbox.marks(backend),
        polled: (poll, before) => this.#heard(backend.url, this.#inbox.polled(backend, poll, before)),
        pushed: (subject, record) => this.#heard(backend.url, this.#inbox.pushed(backend, subject, record)),
        state: () => this.#stateOf(backend),
        connected: () => this.#sendSoon(),
      });
      return backend;
    });
  }

  async start(): Promise<void> {
    const { stateDir, node, log, lifetime, prepare } = this.#o;
    await prepare?.();
    if (this.#closed) return;
    for (const b of this.#backends) b.open();
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>(resolve => {
      timer = setTimeout(resolve, START);
    });
    await Promise.race([Promise.all(this.#backends.map(b => b.tried)), enough]);
    clearTimeout(timer);
    if (this.#closed) return;
    this.#started = true;
    this.#fixEpoch(
      Math.max(readEpoch(stateDir, node, log), this.#inbox.ownSeen.epoch, this.#keptEpoch()) + 1,
    );
    this.#beat = setInterval(
      () => {
        this.#send();
        for (const b of this.#backends) b.poll();
      },
      Math.min(BEAT, lifetime / 3),
    ).unref();
    this.#tellMode();
    this.#arm();
  }

  publish(report: NodeReport): void {
    const body = JSON.stringify(report);
    if (body === this.#body) return;
    const size = Buffer.byteLength(body);
    // Said nothing, we expire and the peers go by what they see; an old report would be believed.
    const fits = size <= BODY_BYTES.report;
    if (!fits && this.#body !== undefined)
      this.#o.log.error({ size }, `report: not published: ${size} bytes, at most ${BODY_BYTES.report}`);
    this.#body = fits ? body : undefined;
    this.#sendSoon();
  }

  peers(): readonly PeerView[] {
    return this.#inbox.peers();
  }

  /** Stamps `clock` and `node` itself. Throws GTM_OVERRIDE_REFUSED if a field is out of bounds. */
  override(o: Override): void {
    const s = this.#overrides.say(o, this.#o.node, this.#o.clock.wall(), this.#sealer);
    for (const b of this.#backends) b.keep([[fieldOf(s) as string, s]]);
    this.#tell();
  }

  overrides(): readonly Override[] {
    return this.#overrides.inForce(this.#o.clock.wall());
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  status(): CoordinatorStatus {
    const backends = this.#backends.map(b => b.status());
    const up = backends.filter(b => b.state === 'up').length;
    const { last, counts } = this.#drops;
    return {
      kind: 'redis',
      mode: up === 0 ? 'cut-off' : up < backends.length ? 'degraded' : 'connected',
      backends,
      drops: { ...counts },
      ...(last === undefined ? {} : { lastDrop: last }),
      epoch: this.#epoch,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#beat);
    clearTimeout(this.#wake);
    for (const b of this.#backends) b.close();
  }

  // ── what we say ──

  // At once, but for what came less than SPACING ago: then all changes of that time go together.
  #sendSoon(): void {
    if (this.#sending || !this.#started || this.#closed) return;
    const wait = this.#sentAt + SPACING - this.#o.clock.mono();
    const send = () => {
      this.#sending = false;
      this.#send();
    };
    this.#sending = true;
    if (wait > 0) setTimeout(send, Math.min(wait, SPACING)).unref();
    else setImmediate(send);
  }

  #send(): void {
    if (this.#body === undefined || !this.#started || this.#closed) return;
    this.#sentAt = this.#o.clock.mono();
    const record = this.#sealer.seal('report', this.#o.node, this.#epoch, ++this.#sequence, this.#body);
    for (const b of this.#backends) b.write(record, this.#o.lifetime);
  }

  #fixEpoch(epoch: number): void {
    const { stateDir, node, log } = this.#o;
    writeEpoch(stateDir, node, epoch, log);
    this.#epoch = epoch;
    this.#sequence = 0;
    const s = this.#sealer.seal('epoch', node, epoch, 0, '');
    this.#kept.merge(s);
    this.#kept.save();
    for (const b of this.#backends) b.keep([[fieldOf(s) as string, s]]);
    this.#sendSoon();
  }

  #keptEpoch(): number {
    return this.#kept.get(`epoch/${this.#o.node}`)?.epoch ?? 0;
  }

  // A Redis knows more of us than we do: our disk was lost, or a second process runs under our name.
  #rise(where: string): void {
    const seen = Math.max(this.#inbox.ownSeen.epoch, this.#keptEpoch());
    const place = { epoch: this.#epoch, sequence: this.#sequence };
    if (!this.#started || (seen <= this.#epoch && compareMarks(this.#inbox.ownSeen, place) <= 0)) return;
    this.#o.log.warn(
      { from: this.#epoch, to: seen + 1 },
      `epoch: raised: ${where} holds a newer record of this node (state_dir lost, or another process runs as ${this.#o.node})`,
    );
    this.#fixEpoch(seen + 1);
  }

  // ── what we hear ──

  #heard(where: string, news: News): void {
    this.#rise(where);
    if (news.peers || news.kept) this.#tell(news.peers);
  }

  // ── what we tell the node ──

  #tell(peers = false): void {
    const overrides = fingerprint(this.overrides());
    const news = peers || overrides !== this.#told;
    this.#told = overrides;
    this.#arm();
    if (!news || this.#telling || this.#closed) return;
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      if (!this.#closed) this.#listener();
    });
  }

  // The next moment at which a peer expires or an override ends, whichever comes first.
  #arm(): void {
    clearTimeout(this.#wake);
    if (this.#closed) return;
    const { clock } = this.#o;
    const next = Math.min(
      this.#inbox.nextExpiry() ?? WAKE,
      this.#overrides.nextEnd(clock.wall()) ?? WAKE,
      WAKE,
    );
    const wake = () => afterInput(() => !this.#closed && this.#tell(this.#inbox.sweep()));
    this.#wake = setTimeout(wake, Math.max(1, next)).unref();
  }

  #stateOf(b: Backend): void {
    const { url, state, error } = b.status();
    if (state === 'up') this.#o.log.info({ url }, `redis ${url}: up`);
    else this.#o.log.warn({ url }, `redis ${url}: down: ${error ?? 'unknown'}`);
    this.#tellMode();
  }

  #tellMode(): void {
    const { mode } = this.status();
    if (mode === this.#mode || !this.#started) return;
    this.#mode = mode;
    if (mode === 'cut-off')
      this.#o.log.error({}, 'coordinator: cut off: no redis is reachable; going on from what is known');
    else this.#o.log.info({ mode }, `coordinator: ${mode}`);
  }
}
