// The far end of the tunnels on a kernel that has no such devices: IPIP, 4in6, 6in4, 6in6, GRE and GUE into a TUN device.
//   raw and UDP sockets ─outer header off→ TUN → the host's own stack
import { openLibc } from '../../src/nic/libc.ts';
import { openTun } from '../../src/nic/tun.ts';

const [AF_INET, AF_INET6] = [2, 10];
const SOCK_NONBLOCK = 0x800;
const [SOCK_DGRAM, SOCK_RAW] = [2 | SOCK_NONBLOCK, 3 | SOCK_NONBLOCK];
const PROTOCOL = { ipip: 4, six: 41, gre: 47 } as const;
const GUE_PORT = 6080;
const [SOL_UDP, UDP_NO_CHECK6_RX] = [17, 102];
const MOST = 65_536;

const libc = await openLibc();
const tun = openTun(libc, 'decap%d');
const memory = new Uint8Array(MOST);
const at = libc.address(memory.buffer);

interface Source {
  fd: number;
  /** Where the inner packet begins. */
  inner: (bytes: Uint8Array) => number;
}

/** Behind the IPv4 header, which raw sockets of IPv4 give and those of IPv6 do not. */
const outer = (family: number, bytes: Uint8Array) => (family === AF_INET ? (bytes[0] & 15) * 4 : 0);
/** GRE's flags: checksum, key, sequence number. */
const gre = (flags: number) => 4 + [0x80, 0x20, 0x10].filter(bit => (flags & bit) !== 0).length * 4;

const sources: Source[] = [];
for (const family of [AF_INET, AF_INET6]) {
  for (const protocol of [PROTOCOL.ipip, PROTOCOL.six])
    sources.push({ fd: libc.socket(family, SOCK_RAW, protocol), inner: b => outer(family, b) });
  sources.push({
    fd: libc.socket(family, SOCK_RAW, PROTOCOL.gre),
    inner: b => outer(family, b) + gre(b[outer(family, b)]),
  });
}
const udp = libc.socket(AF_INET6, SOCK_DGRAM, 0);
const any = new Uint8Array(28);
any[0] = AF_INET6;
any.set([GUE_PORT >> 8, GUE_PORT & 255], 2);
libc.bind(udp, any);
// GUE over IPv6 may come without a checksum (RFC 6935); sockets refuse that by themselves.
libc.setOption(udp, SOL_UDP, UDP_NO_CHECK6_RX, 1);
// GUE's version 0: its first octet holds the length of the fields behind its four octets, in words.
sources.push({ fd: udp, inner: b => 4 + (b[0] & 31) * 4 });
for (const { fd } of sources) libc.setOption(fd, 1, 33, 8 << 20);

const fds = new Int32Array(sources.length * 2);
sources.forEach(({ fd }, i) => {
  fds.set([fd, 1], i * 2);
});
const fdsAt = libc.address(fds.buffer);
console.log('ready');
for (;;) {
  if (libc.poll(fdsAt, sources.length, 1000) <= 0) continue;
  sources.forEach(({ fd, inner }, i) => {
    if (fds[i * 2 + 1] >>> 16 === 0) return;
    for (let n = 0; n < 64; n++) {
      const length = libc.read(fd, at, MOST);
      if (length <= 0) break;
      const begin = inner(memory);
      if (begin < length) libc.write(tun.fd, at + begin, length - begin);
    }
  });
}
