// A netlink socket: requests that wait for their answer (at most so long), and notifications that are read when there are.
//   openNetlink → request | dump | batch → replies, or GTM_NETLINK with the kernel's own words
//   openNetlink + join → receive, without waiting; what was lost is said, so that the reader can ask for everything anew
// Invariant: a socket hears the kernel only (it is connected to port 0); replies to an older request are passed over.
import { constants } from 'node:os';
import { GtmError } from '../kit/errors.ts';
import { POLLFD, POLLIN, SOL } from './layout.ts';
import type { Libc } from './libc.ts';
import {
  Attributes,
  CONTROL,
  HEADER,
  type Message,
  NLM,
  type Request,
  readMessages,
  viewOf,
} from './netlink-message.ts';

export const NETLINK = { ROUTE: 0, NETFILTER: 12, GENERIC: 16 } as const;

const AF_NETLINK = 16;
const [SOCK_RAW, SOCK_NONBLOCK] = [3, 0x800];
const SOL_NETLINK = 270;
const OPTION = { ADD_MEMBERSHIP: 1, CAP_ACK: 10, EXT_ACK: 11, GET_STRICT_CHK: 12 } as const;
/** Beyond the system's limit, for those who may; else up to it. */
const [SO_RCVBUFFORCE, SO_RCVBUF] = [33, 8];
/** nlmsgerr: errno, then the header of the request that it is about; TLVs stand behind it. */
const EXTENDED = { flag: 0x200, at: 4 + HEADER.size, text: 1 } as const;
/** What one read takes: dumps come in pieces of 32 KiB at most. */
const READ = 65_536;
/** Messages of one dump, after which something is wrong; times a dump is asked anew when it changed meanwhile. */
const MOST = 1_000_000;
const AGAIN = 8;
/** Acknowledgements that are waited for at a time: as many as the receive buffer surely holds. */
const WINDOW = 64;

export interface NetlinkOptions {
  /** Milliseconds that a request may take. */
  patience?: number;
  /** Octets of messages that the kernel keeps for us. */
  receiveBuffer?: number;
  /** Answer dumps for what was asked alone (needs Linux 4.20). */
  strict?: boolean;
}

/** What receive() brought: `lost` when the kernel had to leave messages out. */
export interface Heard {
  messages: Message[];
  lost: boolean;
}

/** Opens a socket of one of NETLINK. Throws GTM_SYSCALL, as when the kernel has no such family. */
export function openNetlink(libc: Libc, protocol: number, options: NetlinkOptions = {}): Netlink {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);
  try {
    const kernel = new Uint8Array(12);
    kernel[0] = AF_NETLINK;
    libc.bind(fd, kernel);
    libc.connect(fd, kernel);
    libc.setOption(fd, SOL_NETLINK, OPTION.EXT_ACK, 1);
    libc.setOption(fd, SOL_NETLINK, OPTION.CAP_ACK, 1);
    if (options.strict === true) libc.setOption(fd, SOL_NETLINK, OPTION.GET_STRICT_CHK, 1);
    if (options.receiveBuffer !== undefined) enlarge(libc, fd, options.receiveBuffer);
  } catch (e) {
    libc.close(fd);
    throw e;
  }
  return new Netlink(libc, fd, options.patience ?? 2000);
}

export class Netlink {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #patience: number;
  readonly #in = new Uint8Array(READ);
  readonly #inAt: number;
  readonly #poll = new Int32Array(POLLFD.size / 4);
  readonly #pollAt: number;
  #sequence = 0;
  #open = true;

  constructor(libc: Libc, fd: number, patience: number) {
    this.#libc = libc;
    this.#fd = fd;
    this.#patience = patience;
    this.#inAt = libc.address(this.#in.buffer);
    this.#poll.set([fd, POLLIN]);
    this.#pollAt = libc.address(this.#poll.buffer);
  }

  /** Sends one request and returns what is answered (nothing, for most commands). GTM_NETLINK when it is refused. */
  request(what: string, request: Request): Message[] {
    const [result] = this.batch(what, [request]);
    if (result instanceof GtmError) throw result;
    return result;
  }

  /**
   * Sends many requests, some at a time, and tells what became of each: its replies, or the fault. Those behind a
   * refused one are carried out all the same. GTM_NETLINK when the kernel does not answer.
   */
  batch(what: string, requests: readonly Request[]): (Message[] | GtmError)[] {
    const results: (Message[] | GtmError)[] = [];
    for (let from = 0; from < requests.length; from += WINDOW) {
      const some = requests.slice(from, from + WINDOW);
      const first = this.#sequence + 1;
      const replies: Message[][] = some.map(() => []);
      const faults: (GtmError | undefined)[] = new Array(some.length);
      for (const request of some) this.#send(what, request.finish(++this.#sequence, NLM.ACK));
      for (let open = some.length; open > 0; )
        for (const message of this.#wait(what)) {
          const n = message.sequence - first;
          if (n < 0 || n >= some.length) continue;
          if (message.type !== CONTROL.ERROR) replies[n].push(message);
          else {
            faults[n] = faultOf(what, message);
            open--;
          }
        }
      results.push(...replies.map((r, n) => faults[n] ?? r));
    }
    return results;
  }

  /**
   * The messages of one transaction as they stand, in one piece (nfnetlink's BATCH_BEGIN … BATCH_END), each with a sequence
   * of its own. Throws the first fault; returns when the kernel has acknowledged each that asked for it (NLM.ACK).
   */
  transaction(what: string, requests: readonly Request[]): void {
    const first = this.#sequence + 1;
    const pieces = requests.map(r => r.finish(++this.#sequence).slice());
    const padded = pieces.map(p => (p.length + 3) & ~3);
    const bytes = new Uint8Array(padded.reduce((sum, n) => sum + n, 0));
    let at = 0;
    pieces.forEach((piece, i) => {
      bytes.set(piece, at);
      at += padded[i];
    });
    let open = pieces.filter(p => (viewOf(p).getUint16(HEADER.flags, true) & NLM.ACK) !== 0).length;
    this.#send(what, bytes);
    let fault: GtmError | undefined;
    while (open > 0)
      for (const message of this.#wait(what)) {
        if (message.type !== CONTROL.ERROR || message.sequence < first) continue;
        const refused = faultOf(what, message);
        fault ??= refused;
        // The begin is refused on behalf of all.
        open = refused !== undefined && message.sequence === first ? 0 : open - 1;
      }
    if (fault !== undefined) throw fault;
  }

  /** Everything that a GET request lists. Asked anew when it changed while being listed. */
  dump(what: string, make: () => Request): Message[] {
    for (let round = 0; ; round++) {
      const { messages, torn } = this.#dump(what, make());
      // After so many rounds a list that keeps changing is better than none: what is missing will be notified.
      if (!torn || round === AGAIN) return messages;
    }
  }

  /** Hears a multicast group from now on. */
  join(group: number): void {
    this.#libc.setOption(this.#fd, SOL_NETLINK, OPTION.ADD_MEMBERSHIP, group);
  }

  /** What has come so far, without waiting; at most some hundreds at a time. */
  receive(): Heard {
    const heard: Heard = { messages: [], lost: false };
    for (let reads = 0; reads < 256 && this.#open; reads++) {
      const length = this.#libc.read(this.#fd, this.#inAt, READ);
      if (length > 0) {
        for (const message of readMessages(this.#in.subarray(0, length)))
          if (message.type > CONTROL.OVERRUN) heard.messages.push(message);
          else if (message.type === CONTROL.OVERRUN) heard.lost = true;
      } else if (length < 0 && this.#libc.errno() === constants.errno.ENOBUFS) heard.lost = true;
      else if (length === 0 || this.#libc.errno() !== constants.errno.EINTR) break;
    }
    return heard;
  }

  close(): void {
    if (this.#open) this.#libc.close(this.#fd);
    this.#open = false;
  }

  #dump(what: string, request: Request): { messages: Message[]; torn: boolean } {
    const sequence = ++this.#sequence;
    this.#send(what, request.finish(sequence, NLM.DUMP));
    const messages: Message[] = [];
    let torn = false;
    for (;;)
      for (const message of this.#wait(what)) {
        if (message.sequence !== sequence) continue;
        if ((message.flags & NLM.DUMP_INTR) !== 0) torn = true;
        if (message.type === CONTROL.ERROR || message.type === CONTROL.DONE) {
          const fault = faultOf(what, message);
          if (fault !== undefined && errnoName(fault) !== 'EINTR') throw fault;
          return { messages, torn: torn || fault !== undefined };
        }
        if (messages.push(message) > MOST)
          throw new GtmError('GTM_NETLINK', `${what}: more than ${MOST} entries`);
      }
  }

  #send(what: string, bytes: Uint8Array): void {
    if (!this.#open) throw new GtmError('GTM_NETLINK', `${what}: the netlink socket is closed`);
    const held = bytes.slice();
    if (this.#libc.write(this.#fd, this.#libc.address(held.buffer), held.length) < 0)
      throw netlinkFault(what, this.#libc.errno());
  }

  // The next messages, which are waited for. Messages left out (ENOBUFS) are found by the time that it takes.
  #wait(what: string): Message[] {
    const until = performance.now() + this.#patience;
    for (;;) {
      const length = this.#libc.read(this.#fd, this.#inAt, READ);
      if (length > 0) return readMessages(this.#in.subarray(0, length));
      const errno = this.#libc.errno();
      const { EAGAIN, EINTR } = constants.errno;
      if (length < 0 && errno !== EAGAIN && errno !== EINTR) throw netlinkFault(what, errno);
      const left = until - performance.now();
      if (left <= 0) throw netlinkFault(what, constants.errno.ETIMEDOUT, 'the kernel did not answer');
      this.#libc.poll(this.#pollAt, 1, Math.ceil(left));
    }
  }
}

/** The name of the errno (EEXIST …) behind a GTM_NETLINK or GTM_SYSCALL fault; undefined for anything else. */
export function errnoName(fault: unknown): string | undefined {
  if (!(fault instanceof GtmError)) return undefined;
  const code = (fault.cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** GTM_NETLINK with a cause that looks like node's own: `code` such as EEXIST, `errno`. */
export function netlinkFault(what: string, errno: number, text = ''): GtmError {
  const code = Object.entries(constants.errno).find(([, n]) => n === errno)?.[0] ?? `errno ${errno}`;
  const cause = Object.assign(new Error(text === '' ? code : `${code}: ${text}`), { code, errno });
  return new GtmError('GTM_NETLINK', `${what} failed`, cause);
}

function enlarge(libc: Libc, fd: number, octets: number): void {
  try {
    libc.setOption(fd, SOL.SOCKET, SO_RCVBUFFORCE, octets);
  } catch {
    libc.setOption(fd, SOL.SOCKET, SO_RCVBUF, octets);
  }
}

// nlmsgerr, or the errno at the head of DONE; undefined = no fault.
function faultOf(what: string, message: Message): GtmError | undefined {
  if (message.body.length < 4) return undefined;
  const errno = -viewOf(message.body).getInt32(0, true);
  if (errno <= 0) return undefined;
  const at = message.type === CONTROL.DONE ? 4 : EXTENDED.at;
  const extended = (message.flags & EXTENDED.flag) !== 0 ? new Attributes(message.body, at) : undefined;
  return netlinkFault(what, errno, extended?.text(EXTENDED.text));
}
