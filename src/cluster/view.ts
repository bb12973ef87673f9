// What this node knows of its peers, merged from several sources (one per Redis). Pure: clock and verifier come in.
//   record ─signature→ older than this source has shown?→ newest of all? ─body→ peer ─sequence advanced?→ fresh
// The newest (epoch, sequence) wins. A peer is fresh only while one source shows its order advance, by our own monotonic
// clock; the first sight in a source proves nothing, since an old copy can be put there. An older record of a source that
// only lags behind another is ordinary; one older than the same source has shown before was put back.
import type { NodeReport, PeerView } from '../model/records.ts';
import { compareMarks, type Mark, type Sealed, same } from './record.ts';

export type Fault = 'forged' | 'replayed' | 'malformed';

/** What became of a record: dropped (why, in words), or taken, perhaps with something new for the node. */
export type Outcome = { fault: Fault; why: string } | { fault?: undefined; changed: boolean };

/** What a source has shown of one node. Marks are replaced, never changed, so that a copy of the map is a snapshot. */
interface Trace {
  top: Mark;
  pushed?: Mark;
  /** A poll found nothing after there had been something. */
  gone: boolean;
}

interface Peer {
  newest: Sealed;
  report: NodeReport;
  /** When it last advanced; before that has happened, when it was first seen. Monotonic ms. */
  at: number;
  fresh: boolean;
}

/** Why a record is called forged, in words. */
export const FORGED = 'the signature does not fit our secret (a forgery, or that node has another secret)';

const NOTHING: Outcome = { changed: false };

export class View {
  readonly #lifetime: number;
  readonly #fits: (s: Sealed) => boolean;
  readonly #parse: (body: string) => NodeReport | undefined;
  readonly #peers = new Map<string, Peer>();
  readonly #traces = new Map<string, Map<string, Trace>>();

  /** `lifetime` in ms; `fits` checks a signature, `parse` a body. */
  constructor(
    lifetime: number,
    fits: (s: Sealed) => boolean,
    parse: (body: string) => NodeReport | undefined,
  ) {
    this.#lifetime = lifetime;
    this.#fits = fits;
    this.#parse = parse;
  }

  /** What a source has shown until now: taken when a poll is sent, for a push may overtake its answer. */
  marks(source: string): Map<string, Mark> {
    const out = new Map<string, Mark>();
    for (const [node, trace] of this.#traces.get(source) ?? []) out.set(node, trace.top);
    return out;
  }

  /** A record that a poll found; `before` are the marks of when the poll was sent. */
  polled(source: string, s: Sealed, now: number, before: ReadonlyMap<string, Mark>): Outcome {
    const trace = this.#trace(source).get(s.node);
    const known = this.#known(s);
    if (!known && !this.#fits(s)) return { fault: 'forged', why: FORGED };
    const floor = before.get(s.node);
    if (floor !== undefined && compareMarks(s, floor) < 0) return replayed(s, floor);
    if (trace?.gone && compareMarks(s, trace.top) <= 0)
      return { fault: 'replayed', why: `${place(s)} was put back after it had expired` };
    return this.#take(source, s, now, known);
  }

  /** A record that was pushed. One writer pushes in order, each record once. */
  pushed(source: string, s: Sealed, now: number): Outcome {
    const known = this.#known(s);
    if (!known && !this.#fits(s)) return { fault: 'forged', why: FORGED };
    const floor = this.#trace(source).get(s.node)?.pushed;
    if (floor !== undefined && compareMarks(s, floor) <= 0) return replayed(s, floor);
    const outcome = this.#take(source, s, now, known);
    const trace = this.#trace(source).get(s.node);
    if (trace !== undefined && outcome.fault === undefined)
      trace.pushed = { epoch: s.epoch, sequence: s.sequence };
    return outcome;
  }

  /** A poll found no record of the node. Not believed if something newer came while the poll was under way. */
  absent(source: string, node: string, before: ReadonlyMap<string, Mark>): void {
    const trace = this.#trace(source).get(node);
    if (trace !== undefined && trace.top === before.get(node)) trace.gone = true;
  }

  /** Ages the peers; true if one expired. The only place where a peer does. */
  sweep(now: number): boolean {
    let changed = false;
    for (const peer of this.#peers.values()) {
      if (!peer.fresh || now - peer.at < this.#lifetime) continue;
      peer.fresh = false;
      changed = true;
    }
    return changed;
  }

  /** Milliseconds until the next peer may expire; undefined if none is fresh. */
  nextExpiry(now: number): number | undefined {
    let next: number | undefined;
    for (const peer of this.#peers.values())
      if (peer.fresh) next = Math.min(next ?? Infinity, peer.at + this.#lifetime - now);
    return next === undefined ? undefined : Math.max(0, next);
  }

  /** Everyone, fresh and expired, by name. The age of a peer that never advanced counts from its first sight. */
  peers(now: number): PeerView[] {
    return [...this.#peers.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([node, p]) => ({
        node,
        report: p.report,
        epoch: p.newest.epoch,
        sequence: p.newest.sequence,
        age: now - p.at,
        fresh: p.fresh,
      }));
  }

  #take(source: string, s: Sealed, now: number, known: boolean): Outcome {
    const peer = this.#peers.get(s.node);
    const order = peer === undefined ? 1 : compareMarks(s, peer.newest);
    if (order === 0 && !known)
      return { fault: 'replayed', why: `${place(s)} differs from the one seen before` };
    const report = order > 0 ? this.#parse(s.body) : undefined;
    if (order > 0 && report === undefined)
      return { fault: 'malformed', why: `the body of ${place(s)} is no report` };
    const traces = this.#trace(source);
    const trace = traces.get(s.node);
    const advanced = trace !== undefined && compareMarks(s, trace.top) > 0;
    if (trace === undefined)
      traces.set(s.node, { top: { epoch: s.epoch, sequence: s.sequence }, gone: false });
    else if (advanced) {
      trace.top = { epoch: s.epoch, sequence: s.sequence };
      trace.gone = false;
    }
    if (report === undefined) return NOTHING;
    if (peer === undefined) {
      this.#peers.set(s.node, { newest: s, report, at: now, fresh: false });
      return { changed: true };
    }
    const changed = peer.newest.body !== s.body || (advanced && !peer.fresh);
    peer.newest = s;
    peer.report = report;
    if (advanced) {
      peer.at = now;
      peer.fresh = true;
    }
    return { changed };
  }

  #known(s: Sealed): boolean {
    const peer = this.#peers.get(s.node);
    return peer !== undefined && same(peer.newest, s);
  }

  #trace(source: string): Map<string, Trace> {
    let traces = this.#traces.get(source);
    if (traces === undefined) {
      traces = new Map();
      this.#traces.set(source, traces);
    }
    return traces;
  }
}

function place(m: Mark): string {
  return `epoch ${m.epoch} sequence ${m.sequence}`;
}

function replayed(s: Mark, floor: Mark): Outcome {
  return { fault: 'replayed', why: `${place(s)} came again after ${place(floor)}` };
}
