// One query and its reply, as they go through the steps of the chain, with what the steps work with. One object for each
// responder, refilled for each query.
import { type Client, newClient } from '../model/steering.ts';
import type { Answerer } from './answer.ts';
import { Chaos } from './chaos.ts';
import { Edns } from './edns.ts';
import { Query } from './message.ts';
import { EDE, Options } from './options.ts';
import type { RateLimiter } from './ratelimit.ts';
import { Reply } from './reply.ts';

const NOTHING = new Uint8Array(0);

/** What the steps work with besides the answer itself; what is left out is not done. */
export interface Tools {
  options?: Options;
  chaos?: Chaos;
  limiter?: RateLimiter | undefined;
  /** Whether UDP without a valid cookie gets no data. */
  requireCookie?: boolean;
}

export class Exchange {
  readonly query = new Query();
  readonly edns = new Edns();
  readonly reply = new Reply();
  readonly options: Options;
  readonly chaos: Chaos;
  readonly limiter: RateLimiter | undefined;
  readonly requireCookie: boolean;
  readonly answerer: Answerer;
  /** Most octets of a reply over UDP. */
  readonly udpSize: number;
  /** Cells as in counters.ts. */
  readonly counters: Float64Array;
  /** The message as it came, and where the reply goes. */
  input: Uint8Array = NOTHING;
  length = 0;
  out: Uint8Array = NOTHING;
  client: Client = newClient(false);
  /** Milliseconds of a monotonic clock. */
  now = 0;
  /** The records behind the question were well-formed. */
  formed = true;
  /** The extended error that goes with the reply. */
  ede: number = EDE.none;
  /** The number of the pool that was picked from, -1 = none, and of its record the TTL. */
  pool = -1;
  poolTtl = 0;
  /** The addresses that were picked: how many, and where in the reply the record of the first begins. */
  picks = 0;
  picksAt = 0;
  /** The same octets are the same question again, and have the same reply but for what a pool picks; any case of the name. */
  lasting = false;

  constructor(answerer: Answerer, udpSize: number, counters: Float64Array, tools: Tools = {}) {
    this.answerer = answerer;
    this.udpSize = udpSize;
    this.counters = counters;
    this.options = tools.options ?? new Options();
    this.chaos = tools.chaos ?? new Chaos();
    this.limiter = tools.limiter;
    this.requireCookie = tools.requireCookie === true;
  }
}
