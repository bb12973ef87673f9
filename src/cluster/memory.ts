// The coordinator without Redis: the nodes of one process, each by itself or several on one bus (the demo, tests). A bus
// is made by the caller; nodes on different buses know nothing of each other.
//   join → publish ─(tick)→ everyone's onChange        override → every member's Kept, each with its own file
// Invariant: a member is fresh for as long as it is joined; there is nothing between us that could lose a heartbeat.
import type { Clock } from '../kit/clock.ts';
import { type Log, silent } from '../kit/log.ts';
import type { Coordinator, CoordinatorStatus, NodeReport, Override, PeerView } from '../model/records.ts';
import { Kept } from './kept.ts';
import { fingerprint, Overrides } from './overrides.ts';
import { type Sealed, Sealer } from './record.ts';

export interface MemberOptions {
  /** Milliseconds for which a node that left is still taken for alive. */
  lifetime: number;
  clock: Clock;
  log?: Log;
  /** Where overrides are kept over a restart; none: they are forgotten. */
  stateDir?: string;
}

interface Post {
  report?: NodeReport;
  text: string;
  epoch: number;
  sequence: number;
  /** Monotonic ms; undefined while joined. */
  left?: number;
}

export class MemoryBus {
  readonly #members = new Map<string, Member>();
  readonly #posts = new Map<string, Post>();

  /** A coordinator for one node; it takes part from its `start()` to its `close()`. */
  join(node: string, options: MemberOptions): Coordinator {
    return new Member(node, options, this.#members, this.#posts);
  }
}

// Within one process nobody can forge; the signature is only the common form of kept records.
const SEALER = new Sealer('memory', '');
const WAKE = 3_600_000;

class Member implements Coordinator {
  readonly #node: string;
  readonly #lifetime: number;
  readonly #clock: Clock;
  readonly #members: Map<string, Member>;
  readonly #posts: Map<string, Post>;
  readonly #kept: Kept;
  readonly #overrides: Overrides;
  readonly #post: Post = { text: '', epoch: 0, sequence: 0 };
  #listener: () => void = () => {};
  #told = '';
  #telling = false;
  #closed = false;
  #wake: NodeJS.Timeout | undefined;

  constructor(node: string, o: MemberOptions, members: Map<string, Member>, posts: Map<string, Post>) {
    this.#node = node;
    this.#lifetime = o.lifetime;
    this.#clock = o.clock;
    this.#members = members;
    this.#posts = posts;
    this.#kept = new Kept(o.stateDir, node, o.log ?? silent);
    this.#kept.load(node, SEALER);
    this.#overrides = new Overrides(this.#kept);
  }

  async start(): Promise<void> {
    this.#post.epoch = (this.#posts.get(this.#node)?.epoch ?? 0) + 1;
    this.#posts.set(this.#node, this.#post);
    for (const member of this.#members.values()) {
      this.#take(member.#records());
      member.#take(this.#records());
    }
    this.#members.set(this.#node, this);
    this.#told = this.#state();
    for (const member of this.#members.values()) member.#tell();
  }

  publish(report: NodeReport): void {
    const text = JSON.stringify(report);
    if (text === this.#post.text) return;
    this.#post.text = text;
    this.#post.report = JSON.parse(text) as NodeReport;
    this.#post.sequence++;
    this.#spread();
  }

  peers(): readonly PeerView[] {
    const now = this.#clock.mono();
    const out: PeerView[] = [];
    for (const [node, { report, epoch, sequence, left }] of this.#posts) {
      if (node === this.#node || report === undefined) continue;
      const age = left === undefined ? 0 : now - left;
      out.push({ node, report, epoch, sequence, age, fresh: age < this.#lifetime });
    }
    return out.sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** Stamps `clock` and `node` itself. Throws GTM_OVERRIDE_REFUSED if a field is out of bounds. */
  override(o: Override): void {
    const record = this.#overrides.say(o, this.#node, this.#clock.wall(), SEALER);
    for (const member of this.#members.values()) if (member !== this) member.#take([record]);
    this.#tell();
    this.#spread();
  }

  overrides(): readonly Override[] {
    return this.#overrides.inForce(this.#clock.wall());
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  status(): CoordinatorStatus {
    return {
      kind: 'memory',
      mode: this.#members.size > 1 ? 'connected' : 'alone',
      backends: [],
      drops: { forged: 0, replayed: 0, oversized: 0, malformed: 0 },
      epoch: this.#post.epoch,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#wake);
    if (this.#members.get(this.#node) !== this) return;
    this.#members.delete(this.#node);
    this.#post.left = this.#clock.mono();
    this.#spread();
  }

  #records(): Sealed[] {
    return [...this.#kept.entries()].map(([, s]) => s);
  }

  #take(records: Sealed[]): void {
    let changed = false;
    for (const s of records) changed = this.#kept.merge(s) || changed;
    if (changed) this.#kept.save();
  }

  #spread(): void {
    for (const member of this.#members.values()) if (member !== this) member.#tell();
  }

  // All that peers() and overrides() tell, but for ages.
  #state(): string {
    const peers = this.peers().map(p => `${p.node} ${p.epoch}.${p.sequence} ${p.fresh}`);
    return `${peers.join('\n')}\n\n${fingerprint(this.overrides())}`;
  }

  #tell(): void {
    if (this.#telling || this.#closed) return;
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      if (this.#closed) return;
      this.#arm();
      const state = this.#state();
      if (state === this.#told) return;
      this.#told = state;
      this.#listener();
    });
  }

  // The next moment at which a node that left expires, or an override ends.
  #arm(): void {
    clearTimeout(this.#wake);
    const now = this.#clock.mono();
    const left = [...this.#posts.values()].flatMap(p => (p.left === undefined ? [] : [p.left]));
    const next = Math.min(
      ...left.map(at => at + this.#lifetime - now).filter(ms => ms > 0),
      this.#overrides.nextEnd(this.#clock.wall()) ?? WAKE,
      WAKE,
    );
    this.#wake = setTimeout(() => this.#tell(), Math.max(1, next)).unref();
  }
}
