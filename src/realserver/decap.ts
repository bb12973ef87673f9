// Takes tunnelled packets out in user space, for kernels without the devices: raw and UDP sockets → TUN device → own stack.
// Invariant: only packets for the VIPs go in; the device, and with it the VIPs on it, goes with the process.
import { setImmediate as breathe } from 'node:timers/promises';
import { GtmError } from '../kit/errors.ts';
import { parseIp } from '../kit/ip.ts';
import { AF, POLLFD, POLLIN, SOCK_DGRAM } from '../nic/layout.ts';
import { type Libc, openLibc } from '../nic/libc.ts';
import { sockaddr } from '../nic/sockaddr.ts';
import { openTun } from '../nic/tun.ts';
import { act } from './act.ts';
import { readFacts, runIp } from './facts.ts';
import { innerOffset, isFor, type Wrapping } from './outer.ts';
import { filterOf, hostBits } from './rules.ts';
import { DECAP } from './wish.ts';

const NONBLOCK = 0x800;
const SOCK_RAW = 3;
/** Protocol numbers: IPv4 and IPv6 in IP, GRE. */
const WRAPPED: readonly (readonly [Wrapping, number])[] = [
  ['ip', 4],
  ['ip', 41],
  ['gre', 47],
];
/** GUE over IPv6 may come without a checksum (RFC 6935); a socket refuses that by itself. */
const [SOL_UDP, UDP_NO_CHECK6_RX] = [17, 102];
const LARGEST = 65_536;
/** Packets of one socket before the next, and how long the loop sleeps at most, ms: a signal waits so long. */
const TURN = 64;
const SLEEP = 100;

interface Source {
  fd: number;
  wrapping: Wrapping;
  outerHeader: boolean;
}

export interface DecapOptions {
  vips: readonly string[];
  /** Where GUE comes in. */
  port: number;
  ready: (text: string) => void;
  /** Ends it. */
  signal: AbortSignal;
}

/** Runs until `signal`. Rejects with GTM_TUN, GTM_NIC, GTM_SYSCALL (no CAP_NET_RAW, a port that is taken). */
export async function decapsulate(options: DecapOptions): Promise<void> {
  const libc = await openLibc();
  const tun = openTun(libc, DECAP);
  const sources: Source[] = [];
  try {
    if (tun.name !== DECAP) throw new GtmError('GTM_TUN', `the device is called ${tun.name}, not ${DECAP}`);
    for (const vip of options.vips)
      await runIp(['address', 'add', `${vip}/${hostBits(vip)}`, 'dev', tun.name]);
    // With an address on it a loose filter lets through what comes out; a strict one never would.
    if (filterOf(await readFacts([]), tun.name) === 1)
      await act({ sysctl: `net.ipv4.conf.${tun.name}.rp_filter`, value: '2' });
    listen(libc, options.port, sources);
    options.ready(`takes IPIP, GRE, and GUE on port ${options.port} out for ${options.vips.join(', ')}`);
    await pump(libc, tun.fd, sources, options);
  } finally {
    for (const { fd } of sources) libc.close(fd);
    tun.close();
  }
}

function listen(libc: Libc, port: number, sources: Source[]): void {
  for (const family of [AF.INET, AF.INET6])
    for (const [wrapping, protocol] of WRAPPED) {
      const fd = libc.socket(family, SOCK_RAW | NONBLOCK, protocol);
      sources.push({ fd, wrapping, outerHeader: family === AF.INET });
    }
  const fd = libc.socket(AF.INET6, SOCK_DGRAM | NONBLOCK, 0);
  sources.push({ fd, wrapping: 'gue', outerHeader: false });
  libc.setOption(fd, SOL_UDP, UDP_NO_CHECK6_RX, 1);
  libc.bind(fd, sockaddr('::', port));
}

async function pump(libc: Libc, out: number, sources: readonly Source[], o: DecapOptions): Promise<void> {
  const vips = o.vips.map(v => parseIp(v)).filter(v => v !== undefined);
  const bytes = new Uint8Array(LARGEST);
  const at = libc.address(bytes.buffer);
  const fds = new Int32Array((sources.length * POLLFD.size) / 4);
  sources.forEach(({ fd }, i) => {
    fds.set([fd, POLLIN], i * 2);
  });
  const fdsAt = libc.address(fds.buffer);
  while (!o.signal.aborted) {
    if (libc.poll(fdsAt, sources.length, SLEEP) > 0)
      for (let i = 0; i < sources.length; i++) {
        const { fd, wrapping, outerHeader } = sources[i];
        for (let n = 0; n < TURN && fds[i * 2 + 1] >>> 16 !== 0; n++) {
          const length = libc.read(fd, at, LARGEST);
          if (length <= 0) break;
          const inner = innerOffset(wrapping, bytes, length, outerHeader);
          if (inner >= 0 && isFor(bytes, inner, vips)) libc.write(out, at + inner, length - inner);
        }
      }
    await breathe();
  }
}
