// Run by batch.test.ts in a network namespace with several IPv6 addresses: which address do replies come from? As JSON.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openBatched } from './batched.ts';
import { mirror, now, query } from './sockets.ts';

const server = await openBatched({ address: '::', port: 0, respond: mirror, now, onError: () => {} });
const { port } = server.address();
const seen: Record<string, string> = {};
for (const address of ['::1', 'fd00::5', 'fd00::6', 'fe80::5%v1']) {
  const client = createSocket('udp6');
  client.send(query(1), port, address);
  const [, from] = await once(client, 'message', { signal: AbortSignal.timeout(3000) });
  seen[address] = from.address;
  client.close();
}
await server.close();
process.stdout.write(JSON.stringify(seen));
