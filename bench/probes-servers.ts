// The targets of the probe bench, in a process of their own: one HTTP server on each address given, all on one port, which
// is told to the parent.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

let port = 0;
for (const address of process.argv.slice(2)) {
  const server = createServer((_request, response) => response.end('ok'));
  server.listen({ host: address, port, backlog: 4096 });
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
}
process.send?.({ port });
// Nothing is left when the parent is gone.
process.on('disconnect', () => process.exit());
