// A batched UDP socket under the interface of the portable one, on the event loop of the test: it takes its turns there.
import { Batch } from '../../src/net/batch.ts';
import { openBatchSocket } from '../../src/net/batch-socket.ts';
import type { openUdp, UdpSocket } from '../../src/net/udp.ts';
import { type Libc, openLibc } from '../../src/nic/libc.ts';
import { openWake } from '../../src/nic/wake.ts';

/** `addresses`: sockets of the same batch beside the first, on its port; `libc`: one to be used instead of the real one. */
export async function openBatched(
  options: Parameters<typeof openUdp>[0] & { addresses?: string[]; libc?: (real: Libc) => Libc },
): Promise<UdpSocket> {
  const real = await openLibc();
  const first = openBatchSocket(real, options.address, options.port, 'alone');
  const more = (options.addresses ?? []).map(a => openBatchSocket(real, a, first.port, 'alone'));
  const sockets = [first, ...more];
  const wake = openWake(real);
  const batch = new Batch({ ...options, libc: options.libc?.(real) ?? real, sockets, wake: wake.fd });
  const timer = setInterval(() => {
    // Not for ever: who floods us lives on the same event loop.
    for (let i = 0; i < 100 && batch.turn(options.respond, 0) > 0; i++);
  }, 1);
  return {
    address: () => ({ address: first.address, port: first.port }),
    close: async () => {
      clearInterval(timer);
      wake.close();
      for (const s of sockets) real.close(s.fd);
    },
  };
}
