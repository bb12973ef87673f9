// Runs inside a host of the lab: knocks as each line says, and prints what came of it.
import { createInterface } from 'node:readline';
import { newRng } from '../../src/daemon/clock.ts';
import { Knocker } from '../../src/daemon/knock.ts';
import { reason } from '../../src/kit/errors.ts';

const knocker = new Knocker(newRng());
await knocker.load();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { timeout, payload, ...what } = JSON.parse(line);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error('silence')), timeout);
  const said = await knocker
    .knock({ ...what, payload: payload && Buffer.from(payload) }, abort.signal)
    .catch(e => ({ fault: reason(e) }));
  clearTimeout(timer);
  console.log(JSON.stringify(said));
}
knocker.close();
console.log('closed');
