// From the bytes of a query to those of its reply: the steps that every query takes, in their order.
//
//   query → guard → edns → opcode → form → (cookie) → scope → answer → (limit) → finish → reply
//
// A step says «go on», «the reply stands» or «say nothing»; every reply, whatever step it comes from, passes the limit.
// A responder belongs to one snapshot: a worker makes a new one for the next and swaps between two queries.
import type { Client, Steering } from '../model/steering.ts';
import { Answerer } from './answer.ts';
import { COOKIE } from './cookie.ts';
import { COUNTER, queryCell } from './counters.ts';
import { MIN_UDP, OPT_LENGTH } from './edns.ts';
import { Exchange } from './exchange.ts';
import { BIT, HEADER, OPCODE, RCODE, read16 } from './message.ts';
import { EDE } from './options.ts';
import type { PacketCache } from './packet-cache.ts';
import { KIND, RATE } from './ratelimit.ts';
import { SECTION } from './reply.ts';
import { CLASS, TYPE } from './rr.ts';
import { makeTools, type Settings } from './settings.ts';
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
  /** How it answers beyond the zones: cookies, options, CHAOS names, rate limits; none of it by default. */
  settings?: Settings | undefined;
  /** Whole seconds since 1970, as a signed 32-bit number, for cookies; they are done without if it is not given. */
  seconds?: () => number;
  /** Told what was thrown when a query was answered SERVFAIL for a fault of our own; must not throw. */
  onFault?: (thrown: unknown) => void;
  /** Keeps replies to queries over UDP that it was asked for in vain. One responder at a time. */
  cache?: PacketCache | undefined;
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

const GO_ON = 0;
const REPLY = 1;
const SILENT = 2;

// The first step that does not say «go on» has the last word.
function steps(x: Exchange): number {
  return guard(x) || edns(x) || opcode(x) || form(x) || cookie(x) || scope(x) || answer(x);
}

/** Makes the responder of one snapshot. It makes no object per query. */
export function makeResponder(options: ResponderOptions): Respond {
  const answerer = new Answerer(options.zones, options.steering);
  const udpSize = Math.max(MIN_UDP, options.udpSize ?? DEFAULT_UDP_SIZE);
  const tools = makeTools(options.settings ?? {}, options.seconds);
  const x = new Exchange(answerer, udpSize, options.counters, tools);
  const { onFault } = options;
  // Who has to be judged first is not to be answered by the way.
  const cache = x.requireCookie || x.limiter !== undefined ? undefined : options.cache;
  options.cache?.begin(options.counters, cache && options.steering);
  const limited = x.limiter !== undefined;
  return (query, length, out, client, now) => {
    x.input = query;
    x.length = length;
    x.out = out;
    x.client = client;
    x.now = now;
    x.pool = -1;
    x.ede = EDE.none;
    x.lasting = true;
    try {
      if (steps(x) === SILENT || (limited && limit(x) === SILENT)) return 0;
      const size = finish(x);
      cache?.keep(x, size);
      return size;
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

/** Reads OPT (RFC 6891) and its options, from which the room for the reply follows, and begins it. */
function edns(x: Exchange): number {
  const { query } = x;
  // Behind a question that cannot be read nothing can be.
  x.formed = query.asked || query.questions === 0;
  x.edns.present = false;
  if (x.formed) x.formed = x.edns.parse(query);
  if (x.edns.present) {
    x.counters[COUNTER.edns]++;
    if (x.edns.options !== x.edns.optionsEnd) x.lasting = false;
  }
  if (!x.options.take(x.edns, x.input, x.client, x.now)) x.formed = false;
  if (x.options.cookie !== COOKIE.none) count(x);
  begin(x);
  return GO_ON;
}

function count(x: Exchange): void {
  switch (x.options.cookie) {
    case COOKIE.client:
      x.counters[COUNTER.cookie_client]++;
      break;
    case COOKIE.bad:
      x.counters[COUNTER.cookie_bad]++;
      break;
    case COOKIE.valid:
      x.counters[COUNTER.cookie_valid]++;
      break;
    default:
  }
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
      return refuse(x, RCODE.NOTIMP, EDE.notSupported);
  }
}

/**
 * One question (RFC 9619 §4), well-formed, and EDNS of a version that we know (RFC 6891 §6.1.3). None is right with a
 * cookie: the client wants one, or wants to know what its own is worth (RFC 7873 §5.4).
 */
function form(x: Exchange): number {
  if (!x.formed) return refuse(x, RCODE.FORMERR);
  if (x.edns.present && x.edns.version > 0) return refuse(x, RCODE.BADVERS);
  if (x.query.asked) return GO_ON;
  if (x.query.questions !== 0 || x.options.cookie === COOKIE.none) return refuse(x, RCODE.FORMERR);
  return refuse(x, x.options.cookie === COOKIE.bad ? RCODE.BADCOOKIE : RCODE.NOERROR);
}

/**
 * Where cookies are required: over UDP no data goes to an address that did not show that it hears us. A client that knows
 * cookies tries again with the one it gets (RFC 7873 §5.2.3); any other one has TCP left.
 */
function cookie(x: Exchange): number {
  if (!x.requireCookie || x.client.tcp || x.options.cookie === COOKIE.valid) return GO_ON;
  if (x.options.cookie !== COOKIE.none) return refuse(x, RCODE.BADCOOKIE);
  x.reply.truncate();
  return REPLY;
}

/** Class IN, and types that stand for data: OPT does not, and zones are not handed out. CH is for a few names. */
function scope(x: Exchange): number {
  const { query } = x;
  if (query.class === CLASS.CH) {
    x.chaos.answer(x);
    return REPLY;
  }
  if (query.class !== CLASS.IN) return refuse(x, RCODE.REFUSED, EDE.notAuthoritative);
  switch (query.type) {
    case TYPE.OPT:
      return refuse(x, RCODE.FORMERR);
    case TYPE.AXFR:
    case TYPE.IXFR:
      // RFC 5936 §4.2: there is no AXFR over UDP.
      return refuse(x, x.client.tcp ? RCODE.REFUSED : RCODE.NOTIMP, EDE.notSupported);
    default:
      return GO_ON;
  }
}

function answer(x: Exchange): number {
  x.answerer.answer(x);
  if (x.reply.rcode === RCODE.REFUSED) x.ede = EDE.notAuthoritative;
  return REPLY;
}

function refuse(x: Exchange, rcode: number, ede: number = EDE.none): number {
  x.reply.rcode = rcode;
  x.ede = ede;
  return REPLY;
}

/** Rate limiting is against replies to forged addresses: TCP and valid cookies prove theirs. */
function limit(x: Exchange): number {
  const { limiter, client, counters } = x;
  if (limiter === undefined || client.tcp || x.options.cookie === COOKIE.valid) return GO_ON;
  switch (limiter.judge(client, kindOf(x), x.answerer.zone, x.now)) {
    case RATE.pass:
      return GO_ON;
    case RATE.slip:
      counters[COUNTER.slipped]++;
      x.reply.truncate();
      return GO_ON;
    default:
      counters[COUNTER.dropped_rate]++;
      return SILENT;
  }
}

function kindOf({ reply }: Exchange): number {
  switch (reply.rcode) {
    case RCODE.NOERROR:
    case RCODE.YXDOMAIN:
      return !reply.aa && reply.counts[SECTION.authority] !== 0 ? KIND.referral : KIND.answer;
    case RCODE.NXDOMAIN:
      return KIND.nxdomain;
    default:
      return KIND.error;
  }
}

function begin(x: Exchange): void {
  const most = x.client.tcp ? TCP_SIZE : x.edns.udpLimit(x.udpSize);
  const room = Math.min(most, x.out.length);
  x.reply.begin(x.out, x.edns.present ? room - OPT_LENGTH - x.options.length : room, x.query);
}

function finish(x: Exchange): number {
  const { counters, reply, client } = x;
  counters[queryCell(reply.rcode, client.tcp)]++;
  if (reply.tc) counters[COUNTER.truncated]++;
  if (x.pool >= 0) counters[COUNTER.pool_answers]++;
  return reply.finish(x.query, x.edns, x.udpSize, x.options, x.ede);
}

// A fault of our own: the client still hears something, so that it goes to another server.
function apologize(x: Exchange): number {
  x.counters[COUNTER.internal_errors]++;
  x.ede = EDE.none;
  begin(x);
  x.reply.rcode = RCODE.SERVFAIL;
  return finish(x);
}
