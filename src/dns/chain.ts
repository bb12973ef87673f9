// From the bytes of a query to those of its reply: the steps that every query takes, in the order of STEPS.
//
//   query → guard → edns → opcode → form → scope → answer → finish → reply
//
// A step says «go on», «the reply stands» or «say nothing»; what comes later (cookies, rate limit, CHAOS) is a line more.
// A responder belongs to one snapshot: a worker makes a new one for the next and swaps between two queries.
import type { Client, Steering } from '../model/steering.ts';
import { Answerer } from './answer.ts';
import { COUNTER, queryCell } from './counters.ts';
import { MIN_UDP, OPT_LENGTH } from './edns.ts';
import { Exchange } from './exchange.ts';
import { BIT, HEADER, OPCODE, RCODE, read16 } from './message.ts';
import { CLASS, TYPE } from './rr.ts';
import type { Zones } from './zone/zones.ts';

/** What goes unfragmented through today's networks (DNS flag day 2020). */
export const DEFAULT_UDP_SIZE = 1232;
/** A reply over TCP has a length of 16 bits before it (RFC 7766 §8). */
export const TCP_SIZE = 65535;

export interface ResponderOptions {
  zones: Zones;
  steering: Steering;
  /** Most octets of a reply over UDP; default 1232, at least 512. */
  udpSize?: number;
  /** Cells as in counters.ts; see newCounters. */
  counters: Float64Array;
  /** Told what was thrown when a query was answered SERVFAIL for a fault of our own; must not throw. */
  onFault?: (thrown: unknown) => void;
}

/**
 * Answers the query in the first `length` octets of `query` into `out` (other memory, at least 512 octets). `now`:
 * milliseconds of a monotonic clock. Returns the reply's octets, at most what the client takes and `out` holds; 0 = say
 * nothing. Keeps neither the buffers nor `client`; never throws.
 */
export type Respond = (
  query: Uint8Array,
  length: number,
  out: Uint8Array,
  client: Client,
  now: number,
) => number;

type Step = (x: Exchange) => number;
const GO_ON = 0;
const REPLY = 1;
const SILENT = 2;

const STEPS: readonly Step[] = [guard, edns, opcode, form, scope, answer];

/** Makes the responder of one snapshot. It makes no object per query. */
export function makeResponder(options: ResponderOptions): Respond {
  const answerer = new Answerer(options.zones, options.steering);
  const udpSize = Math.max(MIN_UDP, options.udpSize ?? DEFAULT_UDP_SIZE);
  const x = new Exchange(answerer, udpSize, options.counters);
  const { onFault } = options;
  return (query, length, out, client, now) => {
    x.input = query;
    x.length = length;
    x.out = out;
    x.client = client;
    x.now = now;
    x.pooled = false;
    try {
      for (let i = 0; i < STEPS.length; i++) {
        const verdict = STEPS[i](x);
        if (verdict === SILENT) return 0;
        if (verdict === REPLY) break;
      }
      return finish(x);
    } catch (thrown) {
      onFault?.(thrown);
      return apologize(x);
    }
  };
}

/** Nobody is answered who did not ask: a response answered would come back for ever (RFC 1035 §7.3 takes it for a reply). */
function guard(x: Exchange): number {
  const { counters, input, length } = x;
  if (length < HEADER) {
    counters[COUNTER.dropped_short]++;
    return SILENT;
  }
  if ((read16(input, 2) & BIT.qr) !== 0) {
    counters[COUNTER.dropped_response]++;
    return SILENT;
  }
  if (x.client.port === 0) {
    counters[COUNTER.dropped_port]++;
    return SILENT;
  }
  x.query.parse(input, length);
  return GO_ON;
}

/** Reads OPT (RFC 6891), from which the room for the reply follows, and begins it. */
function edns(x: Exchange): number {
  const { query } = x;
  // Behind a question that cannot be read nothing can be.
  x.formed = query.asked || query.questions === 0;
  x.edns.present = false;
  if (x.formed) x.formed = x.edns.parse(query);
  if (x.edns.present) x.counters[COUNTER.edns]++;
  begin(x);
  return GO_ON;
}

/** Queries are all that is done here: NOTIFY and UPDATE are for servers that take zones from others. */
function opcode(x: Exchange): number {
  switch (x.query.opcode) {
    case OPCODE.QUERY:
      return GO_ON;
    case OPCODE.NOTIFY:
    case OPCODE.UPDATE:
      return refuse(x, RCODE.REFUSED);
    default:
      return refuse(x, RCODE.NOTIMP);
  }
}

/** One question (RFC 9619 §4), well-formed, and EDNS of a version that we know (RFC 6891 §6.1.3). */
function form(x: Exchange): number {
  if (!x.formed) return refuse(x, RCODE.FORMERR);
  if (x.edns.present && x.edns.version > 0) return refuse(x, RCODE.BADVERS);
  return x.query.asked ? GO_ON : refuse(x, RCODE.FORMERR);
}

/** Class IN, and types that stand for data: OPT does not, and zones are not handed out. */
function scope(x: Exchange): number {
  const { query } = x;
  if (query.class !== CLASS.IN) return refuse(x, RCODE.REFUSED);
  switch (query.type) {
    case TYPE.OPT:
      return refuse(x, RCODE.FORMERR);
    case TYPE.AXFR:
    case TYPE.IXFR:
      // RFC 5936 §4.2: there is no AXFR over UDP.
      return refuse(x, x.client.tcp ? RCODE.REFUSED : RCODE.NOTIMP);
    default:
      return GO_ON;
  }
}

function answer(x: Exchange): number {
  x.answerer.answer(x);
  return REPLY;
}

function refuse(x: Exchange, rcode: number): number {
  x.reply.rcode = rcode;
  return REPLY;
}

function begin(x: Exchange): void {
  const most = x.client.tcp ? TCP_SIZE : x.edns.udpLimit(x.udpSize);
  const room = Math.min(most, x.out.length);
  x.reply.begin(x.out, x.edns.present ? room - OPT_LENGTH : room, x.query);
}

function finish(x: Exchange): number {
  const { counters, reply, client } = x;
  counters[queryCell(reply.rcode, client.tcp)]++;
  if (reply.tc) counters[COUNTER.truncated]++;
  if (x.pooled) counters[COUNTER.pool_answers]++;
  return reply.finish(x.query, x.edns, x.udpSize);
}

// A fault of our own: the client still hears something, so that it goes to another server.
function apologize(x: Exchange): number {
  x.counters[COUNTER.internal_errors]++;
  begin(x);
  x.reply.rcode = RCODE.SERVFAIL;
  return finish(x);
}
