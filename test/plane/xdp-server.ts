// A real server for the plane's tests: HTTP and UDP on the given ports; says its name and whom it sees.
//   /            → «name client-address»       /bytes/N → N octets       UDP → the same words, whatever it is asked
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';

const [name, ...ports] = process.argv.slice(2);
for (const port of ports.map(Number)) {
  createServer((request, response) => {
    const { remoteAddress = '' } = request.socket;
    const bytes = /^\/bytes\/(\d+)/.exec(request.url ?? '');
    response.end(
      bytes === null
        ? `${name} ${remoteAddress.replace('::ffff:', '')}`
        : Buffer.alloc(Number(bytes[1]), name),
    );
  }).listen(port, '::');
  for (const type of ['udp4', 'udp6'] as const) {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' });
    socket.on('message', (m, peer) =>
      socket.send(m.length > 100 ? m : `${name} ${peer.address}`, peer.port, peer.address),
    );
    socket.bind(port);
  }
}
console.log('ready');
