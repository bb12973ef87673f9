// The C library as the player in the kernel under test needs it: namespaces, taps, netlink.
import { constants, openSync } from 'node:fs';
import koffi from 'koffi';
import { parseIp } from '../../src/kit/ip.ts';

const CLONE_NEWNET = 0x40000000;
const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI = 0x1002;
const [AF_INET, AF_INET6, SOCK_DGRAM_NONBLOCK] = [2, 10, 2 | 0o4000];
const [AF_NETLINK, SOCK_RAW, NETLINK_GENERIC] = [16, 3, 16];

export interface Libc {
  /** A network namespace of its own for this thread. */
  unshare(): void;
  /** The player's end of a new tap; reads do not wait. */
  tap(name: string): number;
  netlink(): number;
  /** A UDP socket bound to an address; reads do not wait. */
  bound(address: string, port: number): number;
  /** Bytes read, or -1. */
  read(fd: number, into: Uint8Array): number;
  write(fd: number, from: Uint8Array): number;
  close(fd: number): void;
}

export function openLibc(): Libc {
  const lib = koffi.load('libc.so.6');
  const unshare = lib.func('int unshare(int)');
  const ioctl = lib.func('int ioctl(int, unsigned long, void*)');
  const socket = lib.func('int socket(int, int, int)');
  const read = lib.func('long read(int, void*, size_t)');
  const write = lib.func('long write(int, void*, size_t)');
  const bind = lib.func('int bind(int, void*, uint)');
  const close = lib.func('int close(int)');
  const sure = (what: string, rc: number): number => {
    if (rc < 0) throw new Error(`${what}: errno ${koffi.errno()}`);
    return rc;
  };
  return {
    unshare: () => void sure('unshare', unshare(CLONE_NEWNET)),
    tap: name => {
      const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
      const request = Buffer.alloc(40);
      request.write(name);
      request.writeUInt16LE(IFF_TAP_NO_PI, 16);
      sure(`tap ${name}`, ioctl(fd, TUNSETIFF, request));
      return fd;
    },
    netlink: () => sure('netlink', socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)),
    bound: (address, port) => {
      const bytes = parseIp(address) as Uint8Array;
      const six = bytes.length === 16;
      const name = Buffer.alloc(six ? 28 : 16);
      name.writeUInt16LE(six ? AF_INET6 : AF_INET, 0);
      name.writeUInt16BE(port, 2);
      name.set(bytes, six ? 8 : 4);
      const fd = sure('socket', socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM_NONBLOCK, 0));
      sure(`bind ${address}`, bind(fd, name, name.length));
      return fd;
    },
    read: (fd, into) => read(fd, into, into.length),
    write: (fd, from) => write(fd, from, from.length),
    close: fd => void close(fd),
  };
}
