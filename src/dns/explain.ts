// How an answer comes about, in words, for `gtm dig --explain`: the question is really answered, and the trace of that
// run (trace.ts) is put into sentences. Off the hot path.
import { rcodeText } from '../model/rcode.ts';
import { type Client, PICK_SERVFAIL, type Steering } from '../model/steering.ts';
import { Answerer } from './answer.ts';
import { Exchange } from './exchange.ts';
import { Labels } from './labels.ts';
import { HEADER } from './message.ts';
import { formatName } from './name.ts';
import { SECTION } from './reply.ts';
import { TYPE, typeText } from './rr.ts';
import { STEP } from './trace.ts';
import { H, R, RRSET_WORDS } from './zone/layout.ts';
import { Lookup } from './zone/lookup.ts';
import type { Zones } from './zone/zones.ts';

/** One step in words. */
export interface Sentence {
  topic: string;
  text: string;
}

export interface AnswerExplanation {
  steps: Sentence[];
  /** The pool that was picked from, if any. */
  pool: number | undefined;
  /** `NOERROR`, `NXDOMAIN` … */
  rcode: string;
}

/**
 * Explains the answer to `qname` (wire) and `qtype` for `client`. Steering is asked as for a real query. `poolName`
 * gives a pool's name by its number.
 */
export function explainAnswer(
  zones: Zones,
  steering: Steering,
  qname: Uint8Array,
  qtype: number,
  client: Client,
  poolName: (pool: number) => string = n => `number ${n}`,
): AnswerExplanation {
  const answerer = new Answerer(zones, steering);
  const x = new Exchange(answerer, 0, new Float64Array(0));
  const query = question(qname, qtype);
  const out = new Uint8Array(65535);
  x.client = client;
  x.query.parse(query, query.length);
  x.reply.begin(out, out.length, x.query);
  answerer.answer(x);
  const { trace } = answerer;
  const teller = new Teller(zones, qname, poolName);
  for (let i = 0; i < trace.count; i++) teller.tell(trace.code[i], trace.zone[i], trace.value[i]);
  const rcode = rcodeText(x.reply.rcode);
  const records = x.reply.counts[SECTION.answer];
  const what = records === 0 ? 'no records' : `${records} ${records === 1 ? 'record' : 'records'}`;
  const authority = x.reply.aa ? 'authoritative' : 'not authoritative';
  teller.steps.push(said('answer', `${rcode}, ${what}, ${authority}`));
  return { steps: teller.steps, pool: teller.pool, rcode };
}

function question(qname: Uint8Array, qtype: number): Uint8Array {
  const message = new Uint8Array(HEADER + qname.length + 4);
  message[5] = 1;
  message.set(qname, HEADER);
  message[message.length - 4] = qtype >> 8;
  message[message.length - 3] = qtype & 255;
  message[message.length - 1] = 1;
  return message;
}

// Puts steps into sentences; knows the name that the chain has come to.
class Teller {
  readonly steps: Sentence[] = [];
  pool: number | undefined;
  readonly #look: Lookup;
  readonly #poolName: (pool: number) => string;
  #name = new Labels();

  constructor(zones: Zones, qname: Uint8Array, poolName: (pool: number) => string) {
    this.#look = new Lookup(zones);
    this.#poolName = poolName;
    this.#name.read(qname, 0, qname.length);
  }

  tell(code: number, zone: number, value: number): void {
    this.steps.push(this.#sentence(code, zone, value));
  }

  #sentence(code: number, zone: number, value: number): Sentence {
    const look = this.#look;
    const name = formatName(this.#name.bytes);
    if (zone !== 0) look.enter(zone);
    switch (code) {
      case STEP.outside:
        return said('zone', `none here holds ${name}`);
      case STEP.zone:
        return said('zone', `${formatName(look.bytes, look.origin())} serial ${look.words[zone + H.serial]}`);
      case STEP.found:
        return said('name', `${name} is there: ${this.#types(value)}`);
      case STEP.wildcard:
        return said('name', `wildcard ${this.#node(value)} stands for it: ${this.#types(value)}`);
      case STEP.cut:
        return said('name', `delegated at ${this.#node(value)}`);
      case STEP.dname:
        return this.#redirect(value);
      case STEP.missing:
        return said('name', `${name} is not there; closest above it is ${this.#node(value)}`);
      case STEP.cname:
        this.#name.read(look.bytes, look.data(value) + 4, look.bytes.length);
        return said('alias', `CNAME to ${formatName(this.#name.bytes)}`);
      case STEP.tooLong:
        return said('alias', 'the name that the DNAME makes is longer than 255 octets');
      case STEP.loop:
        return said('alias', 'the chain comes back to a name that it passed, and ends here');
      case STEP.chainEnd:
        return said('alias', 'the chain is too long, and ends here');
      case STEP.rrset:
        return said('records', `${rowType(look, value)}, ttl ${look.words[value + R.ttl]}`);
      case STEP.pool:
        this.pool = value;
        return said('pool', this.#poolName(value));
      case STEP.picked:
        return said('pick', pickText(value));
      case STEP.nodata:
        return said('records', 'none of that type (NODATA)');
      default:
        return said('size', 'does not fit: no records, and TC');
    }
  }

  #redirect(node: number): Sentence {
    const look = this.#look;
    const owner = this.#node(node);
    const data = look.data(look.rrset(node, TYPE.DNAME)) + 4;
    const prefix = this.#name.count - this.#labels(node);
    const fits = this.#name.join(this.#name, prefix, look.bytes, data, look.bytes.length);
    const to = fits ? `, to ${formatName(this.#name.bytes)}` : '';
    return said('name', `DNAME at ${owner} moves it to ${formatName(look.bytes, data)}${to}`);
  }

  #types(node: number): string {
    const look = this.#look;
    const count = look.flags(node) & 0xffff;
    if (count === 0) return 'no records, only names below';
    return Array.from({ length: count }, (_, i) => rowType(look, look.first(node) + i * RRSET_WORDS)).join(
      ' ',
    );
  }

  // The name of a node, from its labels up to the apex (lower case, as the tree keeps them).
  #node(node: number): string {
    const look = this.#look;
    const labels: string[] = [];
    for (let at = node; at !== 0; at = look.parent(at)) {
      const label = look.label(at);
      const bytes = look.bytes.subarray(label, label + 1 + look.bytes[label]);
      labels.push(formatName(Uint8Array.of(...bytes, 0)));
    }
    const origin = formatName(look.bytes, look.origin());
    return labels.join('') + (origin === '.' && labels.length > 0 ? '' : origin);
  }

  #labels(node: number): number {
    let count = this.#look.originLabels();
    for (let at = node; at !== 0; at = this.#look.parent(at)) count++;
    return count;
  }
}

function said(topic: string, text: string): Sentence {
  return { topic, text };
}

function rowType(look: Lookup, row: number): string {
  return typeText(look.words[row + R.type] & 0xffff);
}

function pickText(count: number): string {
  if (count === PICK_SERVFAIL) return 'no member up, and the pool is to fail then (SERVFAIL)';
  return count === 0 ? 'no address of that family' : `${count} ${count === 1 ? 'address' : 'addresses'}`;
}
