// The kernel's structures and numbers as they stand in memory on Linux, 64 bits, little-endian: the same on x64 and
// arm64 (include/uapi, bits/socket.h). Offsets and sizes in octets.

/** Where these hold. */
export const ARCHES: readonly string[] = ['x64', 'arm64'];

export const AF = { INET: 2, INET6: 10, XDP: 44 } as const;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;

export const SOL = { IP: 0, SOCKET: 1, IPV6: 41 } as const;
export const SO = { SNDBUF: 7, RCVBUF: 8, REUSEPORT: 15, RCVTIMEO: 20 } as const;
/** IP_PKTINFO, and IPV6_RECVPKTINFO which asks for IPV6_PKTINFO. */
export const IP = { PKTINFO: 8, MTU_DISCOVER: 10 } as const;
/** Sent whole, whatever is said of paths (ip(7)). */
export const PMTUDISC_PROBE = 3;
export const IPV6 = { V6ONLY: 26, RECVPKTINFO: 49, PKTINFO: 50 } as const;

export const MSG_DONTWAIT = 0x40;
/** Of recvmmsg: wait for the first message, and take what else is there by then. */
export const MSG_WAITFORONE = 0x10000;
export const POLLIN = 1;

/** sockaddr_in and sockaddr_in6; the port is in network order. */
export const SOCKADDR = {
  family: 0,
  port: 2,
  in: { address: 4, size: 16 },
  in6: { address: 8, size: 28 },
} as const;

/** struct iovec. */
export const IOVEC = { base: 0, length: 8, size: 16 } as const;

/** struct mmsghdr: a msghdr, and the length of the message. The two counts are 64 bits wide in glibc, 32 in musl. */
export const MMSGHDR = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovCount: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  length: 56,
  size: 64,
} as const;

/** A control message: cmsghdr, then in_pktinfo (interface, source, destination) or in6_pktinfo (address, interface). */
export const CMSG = {
  level: 8,
  pktinfo: { interface: 16, size: 32 },
  pktinfo6: { address: 16, interface: 32, size: 40 },
} as const;

/** struct pollfd. */
export const POLLFD = { fd: 0, events: 4, revents: 6, size: 8 } as const;
