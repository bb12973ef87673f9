// Run as a child process: sends every datagram back as it came, and prints its port. What it delays is the machine's doing.
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (message, { port, address }) => socket.send(message, port, address));
socket.bind(0, '127.0.0.1', () => process.stdout.write(`${socket.address().port}\n`));
