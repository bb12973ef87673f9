// Where we answer otherwise than NSD or Knot on purpose. Each row: the reason, and when it holds of a pair of replies.
import { MAX_CHAIN } from '../../src/dns/answer.ts';
import type { View } from './compare.ts';
import { labels, within } from './names.ts';
import type { Zone } from './zones.ts';

export interface Pair {
  ours: View;
  theirs: View;
  /** What was asked: name and type as text, and how many octets the reply may have. */
  name: string;
  type: string;
  limit: number;
  zones: readonly Zone[];
}

export interface Deviation {
  why: string;
  holds: (pair: Pair) => boolean;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    // RFC 4035 §3.1.4.1; an NXDOMAIN of the zone above would deny all of the child (RFC 8020).
    why: 'DS of a zone that the zone above does not delegate is NODATA by the zone itself',
    holds: ({ ours: { message: m }, name, type, zones }) => {
      const last = (m.answer.at(-1)?.data ?? name).toLowerCase();
      const own =
        m.rcode === 0 && m.authority[0]?.type === 'SOA' && m.authority[0].owner.toLowerCase() === last;
      return type === 'DS' && own && !delegated(last, zones);
    },
  },
  {
    // A wildcard CNAME that leads to a name which the same wildcard stands for.
    why: 'no record stands twice in an answer',
    holds: ({ ours, theirs }) => {
      const records = theirs.answer.split('\n');
      const once = [...new Set(records)];
      const fewer = once.length < records.length && once.join('\n') === ours.answer;
      return fewer && head(ours, theirs) && ours.authority === theirs.authority;
    },
  },
  {
    why: `a chain ends after ${MAX_CHAIN} names`,
    holds: ({ ours, theirs }) =>
      ours.message.answer.filter(r => r.type === 'CNAME').length === MAX_CHAIN &&
      theirs.chain.startsWith(ours.chain),
  },
  {
    why: 'a DNAME that leads below itself is followed once round, not until the name is too long',
    holds: ({ ours, theirs }) => {
      const { answer } = ours.message;
      const last = answer.at(-1)?.data ?? '.';
      const again = answer.some(r => r.type === 'DNAME' && within(last, r.owner));
      const further = theirs.message.tc || theirs.chain.length > ours.chain.length;
      return again && further && theirs.chain.startsWith(ours.chain);
    },
  },
  {
    why: 'a referral without room for the glue that it needs is truncated (RFC 9471 §2)',
    holds: ({ ours, theirs }) => {
      const { authority, additional } = theirs.message;
      const has = new Set(additional.map(r => r.owner.toLowerCase()));
      const without = authority.some(
        r => r.type === 'NS' && within(r.data, r.owner) && !has.has(r.data.toLowerCase()),
      );
      return ours.message.tc && !theirs.message.tc && head(ours, theirs) && without;
    },
  },
  {
    why: 'needed glue goes before the rest, so more of it fits',
    holds: ({ ours, theirs, limit }) => {
      const [most, less] = [ours.glue.split('\n'), theirs.glue.split('\n').filter(r => r !== '')];
      // With its owner a pointer of two octets, an AAAA takes 28.
      const crowded = theirs.octets + 28 * (most.length - less.length) > limit;
      const same = head(ours, theirs) && ours.answer === theirs.answer && ours.authority === theirs.authority;
      return !ours.message.tc && same && crowded && less.every(r => most.includes(r));
    },
  },
];

function head(ours: View, theirs: View): boolean {
  return ours.message.rcode === theirs.message.rcode && ours.message.aa === theirs.message.aa;
}

// Whether the nearest zone above has NS at this very name, and no other cut on the way down to it.
function delegated(name: string, zones: readonly Zone[]): boolean {
  const above = zones.filter(z => z.origin !== name && within(name, z.origin));
  const depth = (z: Zone) => labels(z.origin).length;
  const nearest = above.sort((a, b) => depth(b) - depth(a))[0];
  const cuts = nearest?.records.filter(
    r => r.type === 'NS' && r.owner.toLowerCase() !== nearest.origin && within(name, r.owner),
  );
  return cuts !== undefined && cuts.length > 0 && cuts.every(r => r.owner.toLowerCase() === name);
}
