// A TUN device: packets written to its descriptor come in to the host's own stack (linux/if_tun.h).
// AF_XDP cannot give a frame back to the kernel; what turns out to be the host's after all goes this way.
import { close, writeFileSync } from 'node:fs';
import { GtmError, reason } from '../kit/errors.ts';
import { AF, SOCK_DGRAM } from './layout.ts';
import type { Libc } from './libc.ts';

const O_RDWR_NONBLOCK = 2 | 0x800;
const REQUEST = { SETIFF: 0x400454ca, GET_FLAGS: 0x8913, SET_FLAGS: 0x8914, SET_MTU: 0x8922 } as const;
const IFREQ = { size: 40, value: 16 } as const;
const IFF = { TUN: 1, NO_PI: 0x1000, UP: 1, NOARP: 0x80 } as const;
/** A packet that was put together from fragments goes in whole. */
const MTU = 65_535;

export interface Tun {
  readonly name: string;
  readonly fd: number;
  close(): void;
  /** close(), while the caller goes on: the kernel takes some ten milliseconds to give the device back. */
  closing(): Promise<void>;
}

/** Makes a TUN device (`name` may hold %d), up, with no address. It goes with its descriptor. Throws GTM_TUN. */
export function openTun(libc: Libc, wanted: string): Tun {
  let fd = -1;
  let socket = -1;
  try {
    fd = libc.open('/dev/net/tun', O_RDWR_NONBLOCK);
    const request = new Uint8Array(IFREQ.size);
    const view = new DataView(request.buffer);
    request.set(new TextEncoder().encode(wanted.slice(0, 15)));
    view.setUint16(IFREQ.value, IFF.TUN | IFF.NO_PI, true);
    libc.ioctl(fd, REQUEST.SETIFF, request);
    const name = new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
    quiet(name);
    socket = libc.socket(AF.INET, SOCK_DGRAM, 0);
    view.setInt32(IFREQ.value, MTU, true);
    libc.ioctl(socket, REQUEST.SET_MTU, request);
    view.setBigUint64(IFREQ.value, 0n, true);
    libc.ioctl(socket, REQUEST.GET_FLAGS, request);
    view.setUint16(IFREQ.value, view.getUint16(IFREQ.value, true) | IFF.UP | IFF.NOARP, true);
    libc.ioctl(socket, REQUEST.SET_FLAGS, request);
    const kept = fd;
    return {
      name,
      fd: kept,
      close: () => libc.close(kept),
      closing: () => new Promise(resolve => close(kept, () => resolve())),
    };
  } catch (e) {
    if (fd >= 0) libc.close(fd);
    throw new GtmError('GTM_TUN', `no TUN device can be had (modprobe tun; CAP_NET_ADMIN): ${reason(e)}`, e);
  } finally {
    if (socket >= 0) libc.close(socket);
  }
}

// What comes in here came in elsewhere: the way back to its source is not this device. And nothing is to be said on it.
function quiet(name: string): void {
  const set = (path: string, value: string) => {
    try {
      writeFileSync(`/proc/sys/net/${path}`, value);
    } catch {
      // Without IPv6, or /proc not to be written: the checks at start name what matters.
    }
  };
  set(`ipv4/conf/${name}/rp_filter`, '0');
  set(`ipv6/conf/${name}/autoconf`, '0');
  set(`ipv6/conf/${name}/accept_ra`, '0');
  set(`ipv6/conf/${name}/addr_gen_mode`, '1');
}
