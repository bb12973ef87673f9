// What node:dgram can do at most: every datagram goes back with its QR bit set. `node dns-echo.js PORT`.
import { createSocket } from 'node:dgram';

const socket = createSocket({
  type: 'udp4',
  // As the server has it: addresses are numbers already.
  lookup: (host, _options, done) => done(null, host, 4),
});
const sent = (): void => {};
socket.on('message', (query, from) => {
  query[2] |= 0x80;
  socket.send(query, 0, query.length, from.port, from.address, sent);
});
socket.bind({ port: Number(process.argv[2]), address: '127.0.0.1' }, () => {
  socket.setRecvBufferSize(4 << 20);
  socket.setSendBufferSize(4 << 20);
});
process.on('SIGTERM', () => process.exit());
