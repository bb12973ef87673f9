// A record as it travels: who said it, its place in that node's order (epoch, sequence), the body, and a signature.
// HMAC-SHA-256 over cluster, node, kind, epoch, sequence and body, each with its length in front, so that no two
// records have the same bytes. For an override (epoch, sequence) is its hybrid clock: (wall ms, counter).
// Invariant: what came from the network is a Sealed only after its sizes and number forms were checked.
import { createHmac, timingSafeEqual } from 'node:crypto';

export type Kind = 'report' | 'override' | 'epoch';

/** A place in a node's order. A newer epoch beats any sequence. */
export interface Mark {
  epoch: number;
  sequence: number;
}

export interface Sealed extends Mark {
  kind: Kind;
  node: string;
  body: string;
  /** base64url. */
  mac: string;
}

/** Most bytes of a body, by kind. A report of 2000 VIPs fits; an `epoch` says all in its mark. */
export const BODY_BYTES: Record<Kind, number> = { report: 256 * 1024, override: 8 * 1024, epoch: 0 };

/** What may go wrong before a record's signature is even looked at. */
export type Unfit = 'malformed' | 'oversized';

/** Below 0: `a` is older than `b`; 0: the same place. */
export function compareMarks(a: Mark, b: Mark): number {
  return a.epoch - b.epoch || a.sequence - b.sequence;
}

/** Whether two records are the same in all that is signed, and in the signature. */
export function same(a: Sealed, b: Sealed): boolean {
  return (
    a.sequence === b.sequence &&
    a.epoch === b.epoch &&
    a.mac === b.mac &&
    a.node === b.node &&
    a.kind === b.kind &&
    a.body === b.body
  );
}

/** Signs and checks the records of one cluster with one secret. */
export class Sealer {
  readonly #cluster: string;
  readonly #secret: string;

  constructor(cluster: string, secret: string) {
    this.#cluster = cluster;
    this.#secret = secret;
  }

  seal(kind: Kind, node: string, epoch: number, sequence: number, body: string): Sealed {
    const s: Sealed = { kind, node, epoch, sequence, body, mac: '' };
    s.mac = this.#mac(s).toString('base64url');
    return s;
  }

  /** Whether the signature is that of our secret. Takes the same time wherever the difference lies. */
  fits(s: Sealed): boolean {
    const claimed = Buffer.from(s.mac, 'base64url');
    const real = this.#mac(s);
    return claimed.length === real.length && timingSafeEqual(claimed, real);
  }

  #mac(s: Sealed): Buffer {
    const hmac = createHmac('sha256', this.#secret);
    const length = Buffer.alloc(4);
    for (const part of [this.#cluster, s.node, s.kind, String(s.epoch), String(s.sequence), s.body]) {
      const bytes = Buffer.from(part);
      length.writeUInt32BE(bytes.length);
      hmac.update(length).update(bytes);
    }
    return hmac.digest();
  }
}

/** The text of a record for a pub/sub message, a kept field or a line on disk. */
export function frame(s: Sealed): string {
  return JSON.stringify([s.kind, s.node, s.epoch, s.sequence, s.body, s.mac]);
}

/** The record in a text made by `frame`; nothing is verified yet. */
export function unframe(text: string): Sealed | Unfit {
  // JSON escapes may swell a body sixfold; what is longer cannot be within its bound.
  if (text.length > 6 * BODY_BYTES.report + 1024) return 'oversized';
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    return 'malformed';
  }
  if (!Array.isArray(parts) || parts.length !== 6) return 'malformed';
  const [kind, node, epoch, sequence, body, mac] = parts as unknown[];
  if (kind !== 'report' && kind !== 'override' && kind !== 'epoch') return 'malformed';
  return typeof node === 'string' ? shape(kind, node, epoch, sequence, body, mac) : 'malformed';
}

const DIGITS = /^(0|[1-9]\d{0,15})$/;

/** A record from loose parts (numbers, or their digits as a Redis hash has them); nothing is verified yet. */
export function shape(
  kind: Kind,
  node: string,
  epoch: unknown,
  sequence: unknown,
  body: unknown,
  mac: unknown,
): Sealed | Unfit {
  const e = whole(epoch);
  const s = whole(sequence);
  if (e === undefined || s === undefined || typeof body !== 'string' || typeof mac !== 'string')
    return 'malformed';
  if (node.length > 63 || mac.length > 64) return 'malformed';
  if (Buffer.byteLength(body) > BODY_BYTES[kind]) return 'oversized';
  return { kind, node, epoch: e, sequence: s, body, mac };
}

function whole(value: unknown): number | undefined {
  const n = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
  return typeof n === 'number' && Number.isSafeInteger(n) && n >= 0 ? n : undefined;
}
