// A hook: a limit on packets that begin something (TCP SYN; every UDP packet, if `udp`) for each source, by token buckets in a fixed
// table of sets of four. Where a set is full, the bucket that is fullest gives way: it is the one that loses least.
import { CONTINUE, type Run } from './hooks.ts';
import { ACK, SYN, TCP, UDP } from './packet/parse.ts';
import { DROP, WHY } from './verdict.ts';

export interface LimitOptions {
  /** Packets a second that a source may send, and how many at once. */
  rate: number;
  burst: number;
  udp?: boolean;
  /** Sources told apart at a time; rounded up to a power of two. */
  sources?: number;
  /** Prefix length that counts as one source for IPv6 (IPv4: the address). Default 64. */
  prefix6?: number;
}

const WAYS = 4;
/** Words of a bucket: four of the source, family (0: empty), tokens × 1000, time of the last packet. */
const WORDS = 7;

/** A hook function that drops what is over the limit. */
export function limit(options: LimitOptions): Run {
  const sets = 1 << (32 - Math.clz32(Math.max(WAYS, options.sources ?? 4096) / WAYS - 1));
  const t = new Int32Array(sets * WAYS * WORDS);
  const full = Math.min(options.burst, 2_000_000) * 1000;
  const bits = options.prefix6 ?? 64;
  const m1 = maskWord(bits, 1);
  const m2 = maskWord(bits, 2);
  const m3 = maskWord(bits, 3);
  const m0 = maskWord(bits, 0);
  return (p, out, now) => {
    const begins =
      p.protocol === TCP ? (p.tcpFlags & (SYN | ACK)) === SYN : p.protocol === UDP && options.udp === true;
    if (!begins) return CONTINUE;
    const six = p.family === 6;
    const a0 = six ? p.s0 & m0 : p.s0;
    const a1 = six ? p.s1 & m1 : 0;
    const a2 = six ? p.s2 & m2 : 0;
    const a3 = six ? p.s3 & m3 : 0;
    let h = Math.imul(a0 ^ Math.imul(a1, 31) ^ a2 ^ a3, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    const first = ((h ^ (h >>> 13)) & (sets - 1)) * WAYS * WORDS;
    let at = -1;
    let fullest = first;
    for (let i = first; i < first + WAYS * WORDS; i += WORDS) {
      if (t[i + 4] === p.family && t[i] === a0 && t[i + 1] === a1 && t[i + 2] === a2 && t[i + 3] === a3) {
        at = i;
        break;
      }
      if (level(t, i, now, options.rate, full) > level(t, fullest, now, options.rate, full)) fullest = i;
    }
    let tokens = full;
    if (at < 0) {
      at = fullest;
      t[at] = a0;
      t[at + 1] = a1;
      t[at + 2] = a2;
      t[at + 3] = a3;
      t[at + 4] = p.family;
    } else tokens = level(t, at, now, options.rate, full);
    t[at + 6] = now;
    if (tokens < 1000) {
      t[at + 5] = tokens;
      out.reason = WHY['limited'];
      return DROP;
    }
    t[at + 5] = tokens - 1000;
    return CONTINUE;
  };
}

// Tokens × 1000 at `now`: rate a second is rate × ms / 1000, so × 1000 cancels.
function level(t: Int32Array, at: number, now: number, rate: number, full: number): number {
  if (t[at + 4] === 0) return full;
  const tokens = t[at + 5] + ((now - t[at + 6]) >>> 0) * rate;
  return tokens < full ? tokens : full;
}

function maskWord(bits: number, i: number): number {
  const mine = Math.min(32, Math.max(0, bits - 32 * i));
  return mine === 0 ? 0 : -1 << (32 - mine);
}
