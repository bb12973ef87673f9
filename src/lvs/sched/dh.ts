// Destination hashing (ip_vs_dh.c): 256 buckets, filled with the servers in turn, whatever their weights; the address
// that the client asked for chooses the bucket. A bucket whose server is not available refuses the connection.
import { hash32 } from '../../kit/hash.ts';
import { foldAddress } from './fold.ts';
import { available, type Dests, type Flow, type MakeScheduler, type Scheduler } from './scheduler.ts';

const BITS = 8;
const SIZE = 1 << BITS;

class DestinationHash implements Scheduler {
  readonly #dests: Dests;
  readonly #bucket = new Int32Array(SIZE);

  constructor(dests: Dests) {
    this.#dests = dests;
    this.update();
  }

  update(): void {
    const { count } = this.#dests;
    for (let i = 0; i < SIZE; i++) this.#bucket[i] = count === 0 ? -1 : i % count;
  }

  pick(flow: Flow): number {
    const at = this.#bucket[hash32(foldAddress(flow.destination, 0, flow.family), BITS)];
    return at >= 0 && available(this.#dests, at) ? at : -1;
  }
}

export const dh: MakeScheduler = dests => new DestinationHash(dests);
