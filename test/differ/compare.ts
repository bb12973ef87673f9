// What has to be the same in two replies: rcode, AA, TC, EDNS, the answer (chains in their order), the authority, and the glue
// without which a referral leads nowhere. Other additional records are optional (RFC 2181 §9) and not looked at.
import { decode, type Message, type Rr } from '../dns/decode.ts';
import { within } from './names.ts';

/** A reply made comparable: lower case, sorted. */
export interface View {
  message: Message;
  octets: number;
  /** The CNAMEs and DNAMEs of the answer, in their order. */
  chain: string;
  answer: string;
  authority: string;
  /** Addresses of the servers at or below the name that a referral delegates. */
  glue: string;
}

/** Throws when the reply is malformed. */
export function viewOf(reply: Uint8Array): View {
  return viewOfMessage(decode(reply), reply.length);
}

export function viewOfMessage(message: Message, octets: number): View {
  const chain = message.answer.filter(r => r.type === 'CNAME' || r.type === 'DNAME');
  return {
    message,
    octets,
    chain: text(chain),
    answer: sorted(message.answer),
    authority: sorted(message.authority),
    glue: sorted(glueOf(message)),
  };
}

/** What differs, in a word; undefined if nothing does. */
export function difference(ours: View, theirs: View, any: boolean): string | undefined {
  const [a, b] = [ours.message, theirs.message];
  if (a.rcode !== b.rcode) return 'rcode';
  if (a.aa !== b.aa) return 'aa';
  if (a.opt?.version !== b.opt?.version || a.opt?.flags !== b.opt?.flags) return 'opt';
  // Which RRset ANY gets is the server's choice (RFC 8482 §4.1), and so whether it fits.
  if (any) return undefined;
  if (a.tc !== b.tc) return 'tc';
  // A client that asks again over TCP does not look at the records (RFC 2181 §9).
  if (a.tc) return undefined;
  if (ours.answer !== theirs.answer) return 'answer';
  if (ours.chain !== theirs.chain) return 'order of the chain';
  if (ours.authority !== theirs.authority) return 'authority';
  return ours.glue === theirs.glue ? undefined : 'glue';
}

const show = (r: Rr) => `${r.owner} ${r.ttl} ${r.type} ${r.data}`.toLowerCase();

function text(rrs: readonly Rr[]): string {
  return rrs.map(show).join('\n');
}

function sorted(rrs: readonly Rr[]): string {
  return rrs.length < 2 ? text(rrs) : rrs.map(show).sort().join('\n');
}

function glueOf(m: Message): Rr[] {
  if (m.additional.length === 0) return [];
  const servers = m.authority.filter(r => r.type === 'NS');
  const needed = new Set(servers.filter(r => within(r.data, r.owner)).map(r => r.data.toLowerCase()));
  return needed.size === 0 ? [] : m.additional.filter(r => needed.has(r.owner.toLowerCase()));
}
