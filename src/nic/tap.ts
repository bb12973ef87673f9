// IP packets past the host's own stack (packet(7), raw(7)): heard by destination port whatever the stack makes of them, and sent to
// one host under a protocol number of IP.
//   tap: frames of an interface → [XDP] → here, by a filter in the kernel → … → the stack, which drops what claims to come from itself
import { AF, SOCK_DGRAM, SOCK_RAW } from './layout.ts';
import type { Libc } from './libc.ts';
import { sockaddr } from './sockaddr.ts';

const AF_PACKET = 17;
const NONBLOCK = 0x800;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SOCKADDR_LL = 20;
/** struct sock_fprog. */
const PROGRAM = { count: 0, filter: 8, size: 16 } as const;
const ETHER_TYPE = { 4: 0x0800, 6: 0x86dd } as const;
const [TCP, UDP] = [6, 17];

/** Classic BPF (linux/filter.h), as far as it is needed. */
const BPF = { loadByte: 0x30, loadHalf: 0x28, loadHalfAtX: 0x48, headerSize: 0xb1, and: 0x54 } as const;
const TEST = { equal: 0x15, anySet: 0x45 } as const;
const RETURN = 0x06;
/** What is kept of a packet: all of it. */
const KEPT = 0xffff;

export interface Tap {
  /** Fills `into` (held by the caller, at `address`) with the next packet from its IP header on: octets, or 0 when there is none. */
  read(address: number, length: number): number;
  close(): void;
}

/**
 * Hears TCP and UDP packets of a family, not later fragments, that come in by any interface to the ports `first` to `first | ~mask`.
 * Throws GTM_SYSCALL (EPERM without CAP_NET_RAW).
 */
export function openTap(libc: Libc, family: 4 | 6, first: number, mask: number): Tap {
  // Protocol 0: nothing comes in before the filter stands.
  const fd = libc.socket(AF_PACKET, SOCK_DGRAM | NONBLOCK, 0);
  try {
    const filter = filterOf(family, first, mask);
    const program = new Uint8Array(PROGRAM.size);
    const view = new DataView(program.buffer);
    view.setUint16(PROGRAM.count, filter.length / 8, true);
    view.setBigUint64(PROGRAM.filter, BigInt(libc.address(filter.buffer)), true);
    libc.setOptionBytes(fd, SOL_SOCKET, SO_ATTACH_FILTER, program);
    const name = new Uint8Array(SOCKADDR_LL);
    const words = new DataView(name.buffer);
    words.setUint16(0, AF_PACKET, true);
    words.setUint16(2, ETHER_TYPE[family]);
    libc.bind(fd, name);
  } catch (e) {
    libc.close(fd);
    throw e;
  }
  return {
    read: (address, length) => Math.max(0, libc.read(fd, address, length)),
    close: () => libc.close(fd),
  };
}

/** Sends `payload` to an address behind an IP header that the kernel makes, with this protocol number. Throws GTM_SYSCALL. */
export function sendUnder(libc: Libc, protocol: number, to: string, payload: Uint8Array): void {
  send(libc, SOCK_RAW, protocol, to, 0, payload);
}

/** Sends a UDP datagram from any port. Throws GTM_SYSCALL. */
export function sendDatagram(libc: Libc, to: string, port: number, payload: Uint8Array): void {
  send(libc, SOCK_DGRAM, 0, to, port, payload);
}

/** The address that the kernel would speak from to another. Throws GTM_SYSCALL (ENETUNREACH: there is no way). */
export function sourceTowards(libc: Libc, to: string): Uint8Array {
  const six = to.includes(':');
  const fd = libc.socket(six ? AF.INET6 : AF.INET, SOCK_DGRAM, 0);
  try {
    const name = sockaddr(to, 9);
    libc.connect(fd, name);
    libc.getName(fd, name);
    return six ? name.slice(8, 24) : name.slice(4, 8);
  } finally {
    libc.close(fd);
  }
}

function send(
  libc: Libc,
  type: number,
  protocol: number,
  to: string,
  port: number,
  payload: Uint8Array,
): void {
  const fd = libc.socket(to.includes(':') ? AF.INET6 : AF.INET, type | NONBLOCK, protocol);
  try {
    libc.connect(fd, sockaddr(to, port));
    const held = payload.slice();
    libc.write(fd, libc.address(held.buffer), held.length);
  } finally {
    libc.close(fd);
  }
}

// Offsets are from the IP header on. IPv6 extension headers are not looked through: nobody puts them into such answers.
function filterOf(family: 4 | 6, first: number, mask: number): Uint8Array {
  const head: Line[] =
    family === 4
      ? [
          [BPF.loadByte, 9],
          [TEST.equal, TCP, 1, 0],
          [TEST.equal, UDP, 0, DROP],
          [BPF.loadHalf, 6],
          [TEST.anySet, 0x1fff, DROP, 0],
          [BPF.headerSize, 0],
          [BPF.loadHalfAtX, 2],
        ]
      : [
          [BPF.loadByte, 6],
          [TEST.equal, TCP, 1, 0],
          [TEST.equal, UDP, 0, DROP],
          [BPF.loadHalf, 42],
        ];
  const lines: Line[] = [...head, [BPF.and, mask], [TEST.equal, first, 0, DROP], [RETURN, KEPT], [RETURN, 0]];
  const bytes = new Uint8Array(lines.length * 8);
  const view = new DataView(bytes.buffer);
  // A jump says how many lines it leaves out; the last one drops.
  const jump = (to: number, at: number) => (to === DROP ? lines.length - 2 - at : to);
  lines.forEach(([code, k, yes = 0, no = 0], i) => {
    view.setUint16(i * 8, code, true);
    bytes[i * 8 + 2] = jump(yes, i);
    bytes[i * 8 + 3] = jump(no, i);
    view.setUint32(i * 8 + 4, k, true);
  });
  return bytes;
}

/** Code, operand, lines to leave out if so, and if not. */
type Line = [code: number, k: number, yes?: number, no?: number];
const DROP = -1;
