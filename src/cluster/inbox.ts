// What is heard from the Redis: each poll and each push is checked, merged into the view of the peers and into the kept
// records, and what is not right is dropped and counted. What a Redis lacks of the kept records is put back.
//   poll · push → size, form → signature → View (reports) · Kept (overrides, epochs) · ownSeen (our own name)
// Invariant: nothing unsigned changes what the node goes by.
import type { Clock } from '../kit/clock.ts';
import type { Drops, PeerView } from '../model/records.ts';
import type { Backend, Poll } from './backend.ts';
import { parseReport } from './body.ts';
import type { DropBook } from './drops.ts';
import { compareKept, fieldOf, type Kept } from './kept.ts';
import { compareMarks, type Mark, type Sealed, type Sealer, same, type Unfit } from './record.ts';
import { FORGED, type Outcome, View } from './view.ts';

/** Pushes taken from one node through one Redis: at once, and a second. What is over them comes with the poll. */
const BURST = 120;
const RATE = 60;
const STANDING = 'standing';
const WHY: Record<keyof Drops, string> = {
  forged: FORGED,
  replayed: 'it was seen before',
  oversized: 'larger than a record may be',
  malformed: 'not in the form of a record',
};

/** What is new: in peers(), and in the kept records. */
export interface News {
  peers: boolean;
  kept: boolean;
}

export class Inbox {
  /** The newest place at which our own name was seen under our own signature. */
  ownSeen: Mark = { epoch: 0, sequence: 0 };
  readonly #self: string;
  readonly #nodes: readonly string[];
  readonly #clock: Clock;
  readonly #sealer: Sealer;
  readonly #view: View;
  readonly #kept: Kept;
  readonly #drops: DropBook;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(
    who: { node: string; nodes: readonly string[]; lifetime: number },
    clock: Clock,
    sealer: Sealer,
    kept: Kept,
    drops: DropBook,
  ) {
    this.#self = who.node;
    this.#nodes = who.nodes;
    this.#clock = clock;
    this.#sealer = sealer;
    this.#view = new View(who.lifetime, s => sealer.fits(s), parseReport);
    this.#kept = kept;
    this.#drops = drops;
  }

  /** What a Redis has shown until now: to be taken when a poll is sent. */
  marks(b: Backend): ReadonlyMap<string, Mark> {
    return this.#view.marks(b.url);
  }

  peers(): PeerView[] {
    return this.#view.peers(this.#clock.mono());
  }

  /** Ages the peers; true if one expired. */
  sweep(): boolean {
    return this.#view.sweep(this.#clock.mono());
  }

  /** Milliseconds until the next peer may expire. */
  nextExpiry(): number | undefined {
    return this.#view.nextExpiry(this.#clock.mono());
  }

  polled(b: Backend, poll: Poll, before: ReadonlyMap<string, Mark>): News {
    const now = this.#clock.mono();
    let peers = false;
    for (const [node, found] of poll.nodes) {
      const subject = `report of ${node}`;
      if (found === 'absent') {
        this.#view.absent(b.url, node, before);
        this.#drops.forget(subject, b.url);
      } else if (typeof found === 'string') this.#drop(found, subject, b, STANDING);
      else if (node === this.#self) this.#own(b, found);
      else if (this.#take(b, found, this.#view.polled(b.url, found, now, before))) peers = true;
    }
    return { peers, kept: this.#polledKept(b, poll.kept) };
  }

  /** `subject` is the node whose channel it was, or `kept`. */
  pushed(b: Backend, subject: string, record: Sealed | Unfit): News {
    const news = { peers: false, kept: false };
    if (!this.#allowed(`${b.url} ${subject}`)) return news;
    if (typeof record === 'string')
      this.#drop(record, subject === 'kept' ? 'kept record' : `report of ${subject}`, b);
    else if (record.kind === 'report')
      news.peers = this.#take(b, record, this.#view.pushed(b.url, record, this.#clock.mono()));
    else {
      const field = fieldOf(record);
      if (field === undefined) this.#drop('malformed', `kept record of ${record.node}`, b);
      else if (this.#keep(b, field, record) === 'newer') {
        this.#kept.save();
        news.kept = true;
      }
    }
    return news;
  }

  // Our own record matters only if it is newer than what we know of ourselves; the next heartbeat mends the rest.
  #own(b: Backend, s: Sealed): void {
    if (compareMarks(s, this.ownSeen) <= 0) return;
    if (this.#sealer.fits(s)) this.ownSeen = { epoch: s.epoch, sequence: s.sequence };
    else this.#drop('forged', `report of ${s.node}`, b, markOf(s));
  }

  #take(b: Backend, s: Sealed, outcome: Outcome): boolean {
    const subject = `report of ${s.node}`;
    if (outcome.fault === undefined) {
      this.#drops.forget(subject, b.url);
      return outcome.changed;
    }
    this.#drops.drop(outcome.fault, subject, b.url, outcome.why, markOf(s));
    return false;
  }

  #polledKept(b: Backend, found: Poll['kept']): boolean {
    if (typeof found === 'string') {
      this.#drop(found, 'kept records', b, STANDING);
      // One of the wrong type is replaced by what we hold; one that is too large is left for its operator.
      if (found === 'malformed') b.keep([...this.#kept.entries()]);
      return false;
    }
    this.#drops.forget('kept records', b.url);
    const held = new Map<string, Sealed>();
    let changed = false;
    for (const [field, s] of found) {
      const fate = typeof s === 'string' ? s : fieldOf(s) !== field ? 'malformed' : this.#keep(b, field, s);
      if (fate === 'malformed' || fate === 'oversized') this.#drop(fate, `kept record ${field}`, b, STANDING);
      else if (fate !== 'forged') held.set(field, s as Sealed);
      if (fate === 'newer') changed = true;
    }
    if (changed) this.#kept.save();
    b.keep(
      [...this.#kept.entries()].filter(([field, s]) => {
        const theirs = held.get(field);
        return theirs === undefined || compareKept(theirs, s) < 0;
      }),
    );
    return changed;
  }

  // A kept record under the right field: `newer` if it was taken, `known` if ours is as new or it is none of ours to keep.
  #keep(b: Backend, field: string, s: Sealed): 'newer' | 'known' | 'forged' {
    const subject = `kept record ${field}`;
    const ours = this.#kept.get(field);
    if (ours === undefined || !same(ours, s)) {
      if (!this.#sealer.fits(s)) {
        this.#drops.drop('forged', subject, b.url, `signed as ${s.node}, ${WHY.forged}`, markOf(s));
        return 'forged';
      }
      if (s.kind === 'epoch' && !this.#nodes.includes(s.node)) return 'known';
      if (this.#kept.merge(s)) return 'newer';
      if (ours === undefined) this.#drops.drop('oversized', subject, b.url, 'no room for more', markOf(s));
    } else this.#drops.forget(subject, b.url);
    return 'known';
  }

  // A mark tells one record from another; STANDING is a fault that lies there until it is gone; without, each counts.
  #drop(cause: keyof Drops, subject: string, b: Backend, mark?: string): void {
    this.#drops.drop(cause, subject, b.url, WHY[cause], mark);
  }

  #allowed(key: string): boolean {
    const now = this.#clock.mono();
    const bucket = this.#buckets.get(key) ?? { left: BURST, at: now };
    this.#buckets.set(key, bucket);
    bucket.left = Math.min(BURST, bucket.left + ((now - bucket.at) * RATE) / 1000);
    bucket.at = now;
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }
}

function markOf(s: Sealed): string {
  return `${s.epoch}.${s.sequence}.${s.mac}`;
}
