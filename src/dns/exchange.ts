// One query and its reply, as they go through the steps of the chain, with what the steps work with. One object for each
// responder, refilled for each query.
import type { Client } from '../model/steering.ts';
import type { Answerer } from './answer.ts';
import { Edns } from './edns.ts';
import { Query } from './message.ts';
import { Reply } from './reply.ts';

const NOTHING = new Uint8Array(0);
const NOBODY: Client = { family: 4, address: new Uint8Array(16), port: 0, tcp: false };

export class Exchange {
  readonly query = new Query();
  readonly edns = new Edns();
  readonly reply = new Reply();
  readonly answerer: Answerer;
  /** Most octets of a reply over UDP. */
  readonly udpSize: number;
  /** Cells as in counters.ts. */
  readonly counters: Float64Array;
  /** The message as it came, and where the reply goes. */
  input: Uint8Array = NOTHING;
  length = 0;
  out: Uint8Array = NOTHING;
  client: Client = NOBODY;
  /** Milliseconds of a monotonic clock. */
  now = 0;
  /** The records behind the question were well-formed. */
  formed = true;
  /** A pool was picked from. */
  pooled = false;

  constructor(answerer: Answerer, udpSize: number, counters: Float64Array) {
    this.answerer = answerer;
    this.udpSize = udpSize;
    this.counters = counters;
  }
}
