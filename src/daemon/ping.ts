// The echo client of the icmp probe: Linux's ping sockets (net/ipv4/ping.c), which need no privilege but a group that
// net.ipv4.ping_group_range holds. The C library makes the socket, Node's own loop reads it.
//   request: type, code, checksum (the kernel's), identifier (the kernel's), sequence, data    reply: the same by sequence
// Invariant: one socket a family; at most 65536 requests wait, each under a sequence number of its own.
import { createSocket, type Socket } from 'node:dgram';
import { GtmError, reason } from '../kit/errors.ts';
import { formatIp, parseIp } from '../kit/ip.ts';
import type { Ping } from '../probe/icmp.ts';

const SOCK_DGRAM = 2;
const FAMILY = {
  4: { domain: 2, protocol: 1, request: 8, reply: 0, type: 'udp4' },
  6: { domain: 10, protocol: 58, request: 128, reply: 129, type: 'udp6' },
} as const;
type Family = keyof typeof FAMILY;
/** The header of an echo request or reply. */
const HEADER = 8;

/** Opens a socket and returns its file descriptor; throws what the system says. */
export type OpenSocket = (domain: number, type: number, protocol: number) => number;

export class Pinger {
  readonly #load: () => Promise<OpenSocket>;
  readonly #sockets = new Map<Family, Promise<Socket>>();
  /** What waits for a reply, by family and sequence number. */
  readonly #waiting = new Map<number, { address: string; done: () => void }>();
  #sequence = 0;
  #closed = false;

  /** Nothing is opened before the first echo request. */
  constructor(load: () => Promise<OpenSocket> = fromLibc) {
    this.#load = load;
  }

  readonly ping: Ping = async (address, size, signal) => {
    const bytes = parseIp(address);
    if (bytes === undefined) throw new GtmError('GTM_PING', `icmp: «${address}» is not an address`);
    const family: Family = bytes.length === 4 ? 4 : 6;
    const socket = await this.#socket(family);
    if (signal.aborted) throw signal.reason;
    const key = this.#free(family);
    const sequence = key & 0xffff;
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#waiting.delete(key);
        signal.removeEventListener('abort', stop);
        settle();
      };
      const stop = () => end(() => reject(signal.reason));
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.set(key, { address: formatIp(bytes), done: () => end(resolve) });
      const message = Buffer.alloc(HEADER + size, 0x61);
      message.fill(0, 0, HEADER);
      message[0] = FAMILY[family].request;
      message.writeUInt16BE(sequence, 6);
      // Echo has no port; Node wants one.
      socket.send(message, 1, address, e => {
        if (e !== null) end(() => reject(new GtmError('GTM_PING', `icmp: ${words(e)}`)));
      });
    });
  };

  async close(): Promise<void> {
    this.#closed = true;
    const sockets = await Promise.allSettled(this.#sockets.values());
    this.#sockets.clear();
    for (const s of sockets) if (s.status === 'fulfilled') s.value.close();
  }

  async #socket(family: Family): Promise<Socket> {
    if (this.#closed) throw new GtmError('GTM_PING', 'icmp: closed');
    const open = this.#sockets.get(family) ?? this.#open(family);
    this.#sockets.set(family, open);
    try {
      return await open;
    } catch (e) {
      // Permission may be given while we run: the next probe tries again.
      this.#sockets.delete(family);
      throw e;
    }
  }

  async #open(family: Family): Promise<Socket> {
    const { domain, protocol, type } = FAMILY[family];
    let fd: number;
    try {
      fd = (await this.#load())(domain, SOCK_DGRAM, protocol);
    } catch (e) {
      throw new GtmError('GTM_PING', `icmp: ${words(e)}`, e);
    }
    const socket = createSocket(type);
    socket.on('message', (data, from) => this.#hear(family, data, from.address));
    socket.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ fd, exclusive: true }, resolve);
    });
    return socket;
  }

  #hear(family: Family, data: Buffer, from: string): void {
    if (data.length < HEADER || data[0] !== FAMILY[family].reply || data[1] !== 0) return;
    const waiting = this.#waiting.get(keyOf(family, data.readUInt16BE(6)));
    if (waiting?.address === from.split('%', 1)[0]) waiting.done();
  }

  #free(family: Family): number {
    for (let tries = 0; tries < 0x10000; tries++) {
      this.#sequence = (this.#sequence + 1) & 0xffff;
      const key = keyOf(family, this.#sequence);
      if (!this.#waiting.has(key)) return key;
    }
    throw new GtmError('GTM_PING', 'icmp: too many echo requests wait for their replies');
  }
}

function keyOf(family: Family, sequence: number): number {
  return family * 0x10000 + sequence;
}

async function fromLibc(): Promise<OpenSocket> {
  const { socket } = await (await import('../nic/libc.ts')).openLibc();
  return socket;
}

// What the system says, and what to do about the one thing that is often not allowed.
function words(e: unknown): string {
  for (let at = e; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (code === 'EACCES' || code === 'EPERM')
      return 'echo requests are not permitted to this group; allow them with sysctl -w net.ipv4.ping_group_range="0 2147483647"';
    if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return code;
  }
  return reason(e);
}
