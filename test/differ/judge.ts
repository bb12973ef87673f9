// One question to three servers, and the verdict. Where NSD and Knot agree and we differ, the fault is ours; where they
// differ from each other and we agree with one, it is a split; where all three differ, we have to say why (deviations.ts).

import { MAX_CHAIN } from '../../src/dns/answer.ts';
import { DEFAULT_UDP_SIZE, TCP_SIZE } from '../../src/dns/chain.ts';
import { RCODE } from '../../src/dns/message.ts';
import { decode, type Message, type Rr } from '../dns/decode.ts';
import { show } from '../dns/serve.ts';
import { difference, type View, viewOf, viewOfMessage } from './compare.ts';
import { DEVIATIONS } from './deviations.ts';
import type { Peer } from './peers.ts';
import { asking, message, type Question } from './questions.ts';

export interface Verdict {
  kind: 'same' | 'deviation' | 'split' | 'fault';
  /** The deviations' reasons, or what differs. */
  what: string;
  /** The three replies, as told. */
  replies: () => string;
}

export async function judge(question: Question, ours: Peer, others: readonly Peer[]): Promise<Verdict> {
  const bytes = message(question);
  const tcp = question.how.tcp === true;
  const [mine, ...theirs] = await Promise.all(
    [ours, ...others].map(async peer => {
      try {
        return viewOf(await peer.ask(bytes, tcp));
      } catch (e) {
        throw new Error(`${peer.name}: ${asking(question)}: ${(e as Error).message}`);
      }
    }),
  );
  const straight = verdict(question, mine, theirs);
  // Knot follows a chain within one zone, and NSD has one tree for all zones. Where that shows, each is asked for the names
  // of the chain one by one, as a resolver would.
  if (straight.kind !== 'same' && mine.chain !== '' && !mine.message.tc)
    for (const [i, peer] of others.entries()) {
      const walked = await walk(question, peer);
      if (walked !== undefined && difference(mine, walked, false) === undefined) theirs[i] = walked;
    }
  const names = [ours, ...others].map(p => p.name);
  const replies = () =>
    [mine, ...theirs].map((v, i) => `--- ${names[i]}, ${v.octets} octets\n${show(v.message)}`).join('\n');
  return { ...verdict(question, mine, theirs), replies };
}

/** The answer of one server to each name of a chain, put together; undefined where a chain does not end. */
async function walk(question: Question, peer: Peer): Promise<View | undefined> {
  const how = { ...question.how, tcp: true };
  const links: Rr[] = [];
  const names = new Set<string>();
  const type = question.text.split(' ')[1];
  let first: Message | undefined;
  for (let name = question.text.split(' ')[0]; links.length < 2 * MAX_CHAIN; ) {
    const reply = decode(await peer.ask(message({ ...question, text: `${name} ${type}`, how }), true));
    first ??= reply;
    names.add(name.toLowerCase());
    const at = type === 'CNAME' ? -1 : reply.answer.findIndex(r => r.type === 'CNAME');
    if (at < 0) {
      const answer = [...links, ...reply.answer];
      // A chain that leads out of all zones ends without a fault.
      const rcode = links.length > 0 && reply.rcode === RCODE.REFUSED ? RCODE.NOERROR : reply.rcode;
      return viewOfMessage({ ...reply, aa: first.aa, rcode, answer }, 0);
    }
    links.push(...reply.answer.slice(0, at + 1));
    name = reply.answer[at].data;
    if (names.has(name.toLowerCase()))
      return viewOfMessage({ ...first, rcode: 0, answer: links, authority: [], additional: [] }, 0);
  }
  return undefined;
}

/** The verdict over replies that are there. */
export function verdict(question: Question, ours: View, theirs: readonly View[]): Omit<Verdict, 'replies'> {
  const [name, type] = question.text.split(' ');
  const any = type === 'ANY';
  const limit = limitOf(question);
  const reasons = new Set<string>();
  const faults: string[] = [];
  for (const view of theirs) {
    const what = difference(ours, view, any);
    if (what === undefined) continue;
    const known = DEVIATIONS.find(d => d.holds({ ours, theirs: view, name, type, limit }));
    if (known === undefined) faults.push(what);
    else reasons.add(known.why);
  }
  if (faults.length === theirs.length) {
    const agree = theirs.every(v => difference(theirs[0], v, any) === undefined);
    return { kind: 'fault', what: `${faults.join(', ')}; the others ${agree ? 'agree' : 'differ, too'}` };
  }
  if (faults.length > 0) return { kind: 'split', what: faults.join(', ') };
  return { kind: reasons.size > 0 ? 'deviation' : 'same', what: [...reasons].join('; ') };
}

/** Octets that the reply may have. */
function limitOf({ how }: Question): number {
  if (how.tcp) return TCP_SIZE;
  return Math.min(DEFAULT_UDP_SIZE, Math.max(512, how.edns ?? 512));
}
