// Run by batch.test.ts with --expose-gc and a nursery so large that nothing is collected while we measure: prints its
// port, and then the octets of heap that a query has cost.
import { Batch } from '../../src/net/batch.ts';
import { openBatchSocket } from '../../src/net/batch-socket.ts';
import type { Respond } from '../../src/net/responder.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { openWake } from '../../src/nic/wake.ts';
import { now } from './sockets.ts';

const WARM = 10_000;
const MEASURED = 10_000;
const ROUNDS = 20;
/** Octets a query: this little is nothing, and needs no further round. */
const NOTHING = 4;

const libc = await openLibc();
const socket = openBatchSocket(libc, '127.0.0.1', 0, 'alone');
const wake = openWake(libc);
const batch = new Batch({ libc, sockets: [socket], wake: wake.fd, now });
process.stdout.write(`${socket.port}\n`);

/** A reply as small as can be, of which no object is made. */
const respond: Respond = (q, _length, out) => {
  out[0] = q[0];
  out[1] = q[1];
  out[2] = 0x80;
  return 12;
};

function serve(queries: number): void {
  for (let left = queries, turns = 0; left > 0 && turns < 1_000_000; turns++) left -= batch.turn(respond, 10);
}

serve(WARM);
// The least of some rounds: what a query costs is in each of them; what V8 compiles and notes meanwhile is not.
let least = Number.POSITIVE_INFINITY;
for (let round = 0; round < ROUNDS && least > NOTHING * MEASURED; round++) {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  serve(MEASURED);
  least = Math.min(least, process.memoryUsage().heapUsed - before);
}
process.stdout.write(`${least / MEASURED}\n`);
wake.close();
libc.close(socket.fd);
