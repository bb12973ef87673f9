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
import type { Zone } from './zones.ts';

export interface Verdict {
  kind: 'same' | 'deviation' | 'split' | 'fault';
  /** The deviations' reasons, or what differs. */
  what: string;
  /** The three replies, as told. */
  replies: () => string;
}

export async function judge(
  question: Question,
  zones: readonly Zone[],
  ours: Peer,
  others: readonly Peer[],
): Promise<Verdict> {
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
  const straight = verdict(question, zones, mine, theirs);
  // Knot follows a chain within one zone, and NSD has one tree for all zones. Where that shows, each is asked for the names
  // of the chain one by one, as a resolver would.
  if (straight.kind !== 'same' && (mine.chain !== '' || mine.message.tc))
    for (const [i, peer] of others.entries()) {
      const walked = await walk(question, peer, mine.message.tc);
      if (verdict(question, zones, mine, [walked]).kind !== 'fault') theirs[i] = walked;
    }
  const names = [ours, ...others].map(p => p.name);
  const replies = () =>
    [mine, ...theirs].map((v, i) => `--- ${names[i]}, ${v.octets} octets\n${show(v.message)}`).join('\n');
  return { ...verdict(question, zones, mine, theirs), replies };
}

/**
 * The answers of one server to each name of a chain, put together, up to the name that comes again or is one too many; with
 * `short` they are truncated where they do not fit.
 */
async function walk(question: Question, peer: Peer, short: boolean): Promise<View> {
  const how = { ...question.how, tcp: true };
  const [start, type] = question.text.split(' ');
  const links = new Map<string, Rr>();
  const names = new Set<string>();
  let octets = 0;
  let first: Message | undefined;
  for (let name = start; ; ) {
    const bytes = await peer.ask(message({ ...question, text: `${name} ${type}`, how }), true);
    const reply = decode(bytes);
    first ??= reply;
    octets += bytes.length;
    names.add(name.toLowerCase());
    const { answer } = reply;
    const at = type === 'CNAME' ? -1 : answer.findIndex(r => r.type === 'CNAME');
    for (const r of at < 0 ? answer : answer.slice(0, at + 1)) links.set(JSON.stringify(r).toLowerCase(), r);
    name = answer[at]?.data ?? '';
    const loop = names.has(name.toLowerCase()) || names.size > MAX_CHAIN;
    if (at >= 0 && !loop) continue;
    const end = loop ? { rcode: RCODE.NOERROR, authority: [], additional: [] } : reply;
    // A chain that leads out of all zones ends without a fault.
    const rcode = names.size > 1 && end.rcode === RCODE.REFUSED ? RCODE.NOERROR : end.rcode;
    const tc = short && octets > limitOf(question);
    const { authority, additional } = end;
    return viewOfMessage({ ...first, rcode, tc, answer: [...links.values()], authority, additional }, octets);
  }
}

/** The verdict over replies that are there. */
export function verdict(
  question: Question,
  zones: readonly Zone[],
  ours: View,
  theirs: readonly View[],
): Omit<Verdict, 'replies'> {
  const [name, type] = question.text.split(' ');
  const any = type === 'ANY';
  const limit = limitOf(question);
  if (ours.octets > limit) return { kind: 'fault', what: `over ${limit} octets` };
  const reasons = new Set<string>();
  const faults: string[] = [];
  for (const view of theirs) {
    const what = difference(ours, view, any);
    if (what === undefined) continue;
    const known = DEVIATIONS.find(d => d.holds({ ours, theirs: view, name, type, limit, zones }));
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
