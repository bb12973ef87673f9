// Run in a network namespace: echo requests to what is there and what is not, a line for each.
import { Pinger } from '../../src/daemon/ping.ts';

const pinger = new Pinger();
const look = (address: string, size = 56, signal = AbortSignal.timeout(5000)): Promise<string> =>
  pinger.ping(address, size, signal).then(
    () => 'reply',
    (e: Error) => e.message,
  );

console.log(`127.0.0.1: ${await look('127.0.0.1')}`);
console.log(`127.9.9.9 1400 bytes: ${await look('127.9.9.9', 1400)}`);
console.log(`::1: ${await look('::1', 0)}`);
const all = await Promise.all(Array.from({ length: 100 }, (_, i) => look(`127.0.0.${i + 1}`)));
console.log(`100 at once: ${[...new Set(all)].join(', ')}`);
console.log(`192.0.2.1: ${await look('192.0.2.1')}`);
console.log(`given up: ${await look('127.0.0.1', 8, AbortSignal.abort(new Error('enough')))}`);
await pinger.close();
console.log(`closed: ${await look('127.0.0.1')}`);
