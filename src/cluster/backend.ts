// One Redis: our record written to it, everyone's read from it, changes heard by pub/sub. Each has its own two links (one
// for commands, one for the subscription) and its own pace, so that one that hangs holds up no other.
//   gtm:{CLUSTER}:node:NAME   hash epoch sequence body mac, PX lifetime; the channel of the same name carries its changes
//   gtm:{CLUSTER}:kept        hash of framed records without PX (overrides, epochs); likewise
// The braces put all keys of a cluster into one slot of a Redis Cluster.
import type { Clock } from '../kit/clock.ts';
import { reason } from '../kit/errors.ts';
import type { Rng } from '../kit/rng.ts';
import type { BackendStatus } from '../model/records.ts';
import { KEPT_RECORDS } from './kept.ts';
import { type Dial, Link } from './link.ts';
import { BODY_BYTES, frame, type Mark, type Sealed, shape, type Unfit, unframe } from './record.ts';

// One round trip reads all, with the bounds held on the server's side, so that nothing large ever travels.
const READ = `
local function kind(key) return redis.call('TYPE', key).ok end
local bytes, fields, size = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local out, kept = {}, {}
if kind(KEYS[1]) == 'hash' then
  if redis.call('HLEN', KEYS[1]) > fields then kept = 'oversized' else
    for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
      kept[#kept + 1] = string.sub(name, 1, 100)
      kept[#kept + 1] = redis.call('HSTRLEN', KEYS[1], name) > size and '' or redis.call('HGET', KEYS[1], name)
    end
  end
elseif kind(KEYS[1]) ~= 'none' then kept = 'malformed' end
out[1] = kept
for i = 2, #KEYS do
  local k = kind(KEYS[i])
  if k == 'none' then out[i] = 'absent' elseif k ~= 'hash' then out[i] = 'malformed' else
    local n = 0
    for _, f in ipairs({'epoch', 'sequence', 'body', 'mac'}) do n = n + redis.call('HSTRLEN', KEYS[i], f) end
    out[i] = n > bytes and 'oversized' or redis.call('HMGET', KEYS[i], 'epoch', 'sequence', 'body', 'mac')
  end
end
return out`;

/** What one poll found. `kept` by field; `undefined` where it could not be read as a whole. */
export interface Poll {
  nodes: Map<string, Sealed | Unfit | 'absent'>;
  kept: Map<string, Sealed | Unfit> | Unfit;
}

type Part = 'link' | 'read' | 'write' | 'news';

export interface BackendEvents {
  /** Called when a poll is sent; what it returns comes back with the answer. */
  asked(): ReadonlyMap<string, Mark>;
  polled(poll: Poll, before: ReadonlyMap<string, Mark>): void;
  pushed(channel: string, record: Sealed | Unfit): void;
  /** Its status changed, or the first attempt failed. */
  state(): void;
  /** Connected: write to it now. */
  connected(): void;
}

export class Backend {
  readonly url: string;
  /** Resolves once the first attempt has come to an end, well or not. */
  readonly tried: Promise<void>;
  readonly #keys: { kept: string; node: (name: string) => string };
  readonly #self: string;
  readonly #nodes: readonly string[];
  readonly #clock: Clock;
  readonly #events: BackendEvents;
  readonly #commands: Link;
  readonly #news: Link;
  #done!: () => void;
  #attempted = false;
  #polling = false;
  #sending = false;
  #waiting: { record: Sealed; lifetime: number } | undefined;
  #keptWrong = false;
  /** What is wrong with each part; all empty = up. */
  readonly #errors: Record<Part, string> = { link: 'connecting', read: '', write: '', news: '' };
  #state: BackendStatus['state'] = 'down';
  #since: number;

  constructor(
    at: { url: string; cluster: string; self: string; nodes: readonly string[]; dial: Dial },
    clock: Clock,
    rng: Rng,
    events: BackendEvents,
  ) {
    this.url = at.url;
    this.#keys = { kept: `gtm:{${at.cluster}}:kept`, node: name => `gtm:{${at.cluster}}:node:${name}` };
    this.#self = at.self;
    this.#nodes = at.nodes;
    this.#clock = clock;
    this.#since = clock.wall();
    this.#events = events;
    this.tried = new Promise(resolve => {
      this.#done = resolve;
    });
    this.#commands = new Link(at.dial, rng, {
      up: () => {
        this.poll();
        this.#events.connected();
      },
      down: why => this.#settle('link', why),
      message: () => {},
    });
    this.#news = new Link(at.dial, rng, {
      up: () => this.#subscribe(),
      down: why => this.#settle('news', `no news, changes come with the poll: ${why}`),
      message: (channel, text) => this.#heard(channel, text),
    });
  }

  open(): void {
    this.#commands.open();
    this.#news.open();
  }

  /** Writes our record and pushes it. One write is under way at a time; of those that wait meanwhile, the newest. */
  write(record: Sealed, lifetime: number): void {
    if (!this.#commands.ready) return;
    if (this.#sending) {
      this.#waiting = { record, lifetime };
      return;
    }
    this.#sending = true;
    const key = this.#keys.node(this.#self);
    const { epoch, sequence, body, mac } = record;
    this.#run(
      'write',
      this.#commands.ask(c =>
        c.transact([
          ['del', key],
          ['hset', key, 'epoch', epoch, 'sequence', sequence, 'body', body, 'mac', mac],
          ['pexpire', key, lifetime],
          ['publish', key, frame(record)],
        ]),
      ),
      () => {},
      () => {
        this.#sending = false;
        const next = this.#waiting;
        this.#waiting = undefined;
        if (next !== undefined) this.write(next.record, next.lifetime);
      },
    );
  }

  /** Puts kept records back or in, and pushes them. */
  keep(records: [field: string, record: Sealed][]): void {
    if (!this.#commands.ready || records.length === 0) return;
    const key = this.#keys.kept;
    const commands: (string | number)[][] = this.#keptWrong ? [['del', key]] : [];
    commands.push(['hset', key, ...records.flatMap(([field, s]) => [field, frame(s)])]);
    for (const [, s] of records) commands.push(['publish', key, frame(s)]);
    this.#run(
      'write',
      this.#commands.ask(c => c.transact(commands)),
      () => {},
    );
  }

  /** Reads everything; one poll is under way at a time. */
  poll(): void {
    if (!this.#commands.ready || this.#polling) return;
    this.#polling = true;
    const keys = [this.#keys.kept, ...this.#nodes.map(n => this.#keys.node(n))];
    const before = this.#events.asked();
    this.#run(
      'read',
      this.#commands.ask(c =>
        c.script(READ, keys, [BODY_BYTES.report + 256, KEPT_RECORDS, 6 * BODY_BYTES.override]),
      ),
      reply => {
        this.#commands.proven();
        const poll = this.#read(reply);
        this.#keptWrong = poll.kept === 'malformed';
        this.#errors.link = '';
        this.#events.polled(poll, before);
      },
      () => {
        this.#polling = false;
      },
    );
    if (this.#news.ready)
      this.#news
        .ask(c => c.ping())
        .then(
          () => this.#news.proven(),
          () => {},
        );
  }

  status(): BackendStatus {
    const { link, read, write, news } = this.#errors;
    const error = link || read || write || news;
    return { url: this.url, state: this.#state, since: this.#since, ...(error === '' ? {} : { error }) };
  }

  close(): void {
    this.#commands.close();
    this.#news.close();
    this.#done();
  }

  #run<T>(part: 'read' | 'write', answer: Promise<T>, well: (value: T) => void, finish = () => {}): void {
    answer.then(
      value => {
        finish();
        well(value);
        this.#settle(part, '');
      },
      e => {
        finish();
        // The link's own loss is already told; what remains is a refusal by the server.
        this.#settle(part, this.#commands.ready ? `${part}: ${reason(e)}` : '');
      },
    );
  }

  #settle(part: Part, error: string): void {
    this.#errors[part] = error;
    if (part === 'link') {
      this.#errors.read = '';
      this.#errors.write = '';
    }
    const { link, read, write } = this.#errors;
    const state = link === '' && read === '' && write === '' ? 'up' : 'down';
    const first = !this.#attempted && (part === 'link' || part === 'read');
    if (first) {
      this.#attempted = true;
      this.#done();
    }
    if (state !== this.#state) this.#since = this.#clock.wall();
    else if (!first) return;
    this.#state = state;
    this.#events.state();
  }

  #subscribe(): void {
    const channels = [
      this.#keys.kept,
      ...this.#nodes.filter(n => n !== this.#self).map(n => this.#keys.node(n)),
    ];
    this.#news
      .ask(c => c.subscribe(channels))
      .then(
        () => {
          this.#settle('news', '');
          // What changed between the last poll and the subscription was pushed to nobody.
          this.poll();
        },
        e => this.#settle('news', `no news, changes come with the poll: ${reason(e)}`),
      );
  }

  #heard(channel: string, text: string): void {
    const record = unframe(text);
    const subject = channel === this.#keys.kept ? 'kept' : channel.slice(this.#keys.node('').length);
    const here =
      typeof record === 'string' || (record.kind === 'report' ? record.node === subject : subject === 'kept');
    this.#events.pushed(subject, here ? record : 'malformed');
  }

  #read(reply: unknown): Poll {
    const [kept, ...nodes] = Array.isArray(reply) ? reply : [];
    const poll: Poll = { nodes: new Map(), kept: new Map() };
    this.#nodes.forEach((name, i) => {
      const found: unknown = nodes[i];
      if (found === 'absent' || found === 'oversized') poll.nodes.set(name, found);
      else if (!Array.isArray(found)) poll.nodes.set(name, 'malformed');
      else poll.nodes.set(name, shape('report', name, found[0], found[1], found[2], found[3]));
    });
    if (!Array.isArray(kept)) return { ...poll, kept: kept === 'oversized' ? 'oversized' : 'malformed' };
    const fields = new Map<string, Sealed | Unfit>();
    for (let i = 0; i + 1 < kept.length; i += 2)
      fields.set(String(kept[i]), kept[i + 1] === '' ? 'oversized' : unframe(String(kept[i + 1])));
    return { ...poll, kept: fields };
  }
}
