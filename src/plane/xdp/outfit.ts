// What a forwarder works with: the kernel's doors, its frames, and the parts of its worker.
import type { Director } from '../../lvs/director.ts';
import type { Xsk } from '../../nic/afxdp.ts';
import type { Libc } from '../../nic/libc.ts';
import type { Umem } from '../../nic/umem.ts';
import type { Inbox, Outbox } from './inbox.ts';
import type { Owners } from './owner.ts';
import type { Ways } from './ways.ts';

export interface Socket {
  xsk: Xsk;
  port: number;
}

export interface Outfit {
  libc: Libc;
  umem: Umem;
  director: Director;
  ways: Ways;
  sockets: readonly Socket[];
  /** By port: the one that is sent by. */
  senders: readonly Xsk[];
  /** Of the TUN device, or -1. */
  tun: number;
  index: number;
  owners: Owners;
  inboxes: readonly Inbox[];
  /** By worker. */
  outboxes: readonly (Outbox | undefined)[];
  counters: Float64Array;
}
