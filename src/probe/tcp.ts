// The tcp probe: a connection comes about. It is reset at once, so that thousands of probes leave no TIME_WAIT behind
// and the server's accept returns without work.
import { connect } from 'node:net';
import { type Probe, ProbeFault, socketFault } from './probe.ts';

export const tcp: Probe = (target, signal) =>
  new Promise((resolve, reject) => {
    const port = target.check.tcp?.port ?? target.port;
    const socket = connect({ host: target.address, port });
    const stop = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.on('close', () => signal.removeEventListener('abort', stop));
    socket.on('error', e => reject(new ProbeFault(socketFault(e))));
    socket.once('connect', () => {
      socket.resetAndDestroy();
      resolve('tcp connected');
    });
  });
