// The entry of a portable answer worker: TCP, and UDP by node:dgram unless batch workers do that, on an event loop.
//   sockets ─bytes→ respond (of this generation, answer-path.ts) ─bytes→ sockets; UDP asks the cache of packets first
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Respond } from '../dns/chain.ts';
import { PacketCache } from '../dns/packet-cache.ts';
import { openTcp, type TcpLimits, type TcpListener } from '../net/tcp.ts';
import { openUdp, type UdpSocket } from '../net/udp.ts';
import {
  AnswerPath,
  type Endpoint,
  type ListenFault,
  now,
  type PathStart,
  type ToWorker,
  toFault,
} from './answer-path.ts';

export interface WorkerStart extends PathStart {
  listen: readonly Endpoint[];
  /** For each listen address. */
  tcp: TcpLimits;
  /** Most octets of a reply over UDP; undefined: others do UDP. */
  udpSize: number | undefined;
}

/** A free port has to be free for UDP and for TCP: so often another is tried. */
const PORT_TRIES = 10;

class AnswerWorker {
  readonly #start: WorkerStart;
  readonly #port: MessagePort;
  readonly #path: AnswerPath;
  /** Of UDP: where others do that, there is none. */
  readonly #cache: PacketCache | undefined;
  readonly #sockets: (UdpSocket | TcpListener)[] = [];

  constructor(start: WorkerStart, port: MessagePort) {
    this.#start = start;
    this.#port = port;
    this.#cache = start.udpSize === undefined ? undefined : new PacketCache();
    this.#path = new AnswerPath(start, port, this.#cache);
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'swap') this.#path.swap(message);
      else void this.#close(message.drain);
    });
  }

  /** Opens every listen address and tells what came of it. */
  async open(): Promise<void> {
    const listening: Endpoint[] = [];
    const faults: ListenFault[] = [];
    for (const endpoint of this.#start.listen) {
      try {
        listening.push(await this.#listen(endpoint));
      } catch (e) {
        faults.push(toFault(e));
      }
    }
    this.#path.tell({ kind: 'ready', listening, faults });
  }

  async #listen({ address, port }: Endpoint): Promise<Endpoint> {
    const { tcp: limits, udpSize } = this.#start;
    const path = this.#path;
    const common = {
      address,
      respond: ((query, length, out, client, at) => path.respond(query, length, out, client, at)) as Respond,
      now,
      onError: (e: Error) => path.complain('dns socket', e),
      counters: path.netCounters,
    };
    for (let left = PORT_TRIES; ; left--) {
      const tcp = await openTcp({ ...common, port, ...limits });
      try {
        const chosen = tcp.address().port;
        if (udpSize !== undefined)
          this.#sockets.push(
            await openUdp({ ...common, port: chosen, replySize: udpSize, cache: this.#cache }),
          );
        this.#sockets.push(tcp);
        return { address, port: chosen };
      } catch (e) {
        await tcp.close(0);
        if (port !== 0 || left === 0) throw e;
      }
    }
  }

  async #close(drain: number): Promise<void> {
    await Promise.all(this.#sockets.map(s => s.close(drain)));
    // Nothing is left to wait for: the thread ends.
    this.#port.close();
  }
}

await new AnswerWorker(workerData as WorkerStart, parentPort as MessagePort).open();
