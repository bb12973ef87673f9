// The C library as far as it is needed: the only door to koffi.
//   openLibc() → cold calls that throw (socket, bind …) · hot calls that return -1 (recvmmsg, sendmmsg, poll, read)
// Loaded when first asked for, so that a system without koffi, or other than Linux, runs without it.
// Invariant: memory that the kernel is told of by its address is held by whoever told it, until the call is over.
import { constants } from 'node:os';
import { GtmError, reason } from '../kit/errors.ts';
import { ARCHES } from './layout.ts';

type Koffi = typeof import('koffi');

/** What a call of this process may be made of. Addresses are numbers: user space ends below 2^53. */
export interface Libc {
  /** A file descriptor, closed on exec. */
  socket(family: number, type: number, protocol: number): number;
  setOption(fd: number, level: number, option: number, value: number): void;
  bind(fd: number, address: Uint8Array): void;
  connect(fd: number, address: Uint8Array): void;
  /** Fills `address` with the name that the kernel gave the socket. */
  getName(fd: number, address: Uint8Array): void;
  /** An eventfd that does not block; counts from 0. */
  eventfd(): number;
  close(fd: number): void;
  /** Where the memory stands; it does not move while it is held. */
  address(memory: ArrayBufferLike): number;
  /** Sets an option that is a structure. */
  setOptionBytes(fd: number, level: number, option: number, value: Uint8Array): void;
  /** Fills `value` with an option; how many octets it took. */
  getOptionBytes(fd: number, level: number, option: number, value: Uint8Array): number;
  /** A file descriptor, closed on exec. */
  open(path: string, flags: number): number;
  /** `argument` is read, written, or both, as the request says. */
  ioctl(fd: number, request: number, argument: Uint8Array): void;
  /** Maps memory: of `fd` at `offset`, or anonymous with -1. Its address; whoever maps it unmaps it. */
  map(length: number, protection: number, flags: number, fd: number, offset: number): number;
  unmap(address: number, length: number): void;
  /** Asks for huge pages in mapped memory. False: the kernel knows none. */
  adviseHuge(address: number, length: number): boolean;
  /** Mapped memory to be read and written. Never posted (that frees it), never touched once it is unmapped. */
  view(address: number, length: number): ArrayBuffer;
  /** Mounts a file system without a device. */
  mount(type: string, target: string, options: string): void;
  /** bpf(2): its result, or -errno; the caller tells what was wanted. */
  bpf(command: number, attributes: Uint8Array): number;

  /** Hot: the number of messages, or -1; `messages` is the address of mmsghdr's. Without a time-out of its own. */
  readonly recvmmsg: (fd: number, messages: number, count: number, flags: number, timeout: number) => number;
  readonly sendmmsg: (fd: number, messages: number, count: number, flags: number) => number;
  /** Hot: the number of descriptors ready, 0 after `ms`, or -1; `fds` is the address of pollfd's. */
  readonly poll: (fds: number, count: number, ms: number) => number;
  /** Sleeps for `microseconds`, fewer than 10^6; the kernel may add its timer slack. 0, or -1 when a signal ended it. */
  readonly usleep: (microseconds: number) => number;
  readonly read: (fd: number, memory: number, length: number) => number;
  readonly write: (fd: number, memory: number, length: number) => number;
  /** To the peer of a socket, or with no memory at all: the wake-up of an AF_XDP socket. */
  readonly send: (fd: number, memory: number, length: number, flags: number) => number;
  /** The errno of this thread's last call that failed. */
  readonly errno: () => number;
}

/** The system that is asked, for tests: what is left out is this one. */
export interface Host {
  platform?: string;
  arch?: string;
  load?: () => Promise<{ default: Koffi }>;
}

const MADV_HUGEPAGE = 14;
const EFD_NONBLOCK = 0x800;
const EFD_CLOEXEC = 0x80000;
const SOCK_CLOEXEC = 0x80000;
const O_CLOEXEC = 0x80000;
/** The number of bpf(2), which the C library has no name for. */
const BPF_CALL: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };

/** Opens the C library. Rejects with GTM_NIC and the reason where there is none that we know, or no koffi. */
export async function openLibc(host: Host = {}): Promise<Libc> {
  const platform = host.platform ?? process.platform;
  const arch = host.arch ?? process.arch;
  if (platform !== 'linux') throw new GtmError('GTM_NIC', `needs Linux; this is ${platform}`);
  if (!ARCHES.includes(arch)) throw new GtmError('GTM_NIC', `needs ${ARCHES.join(' or ')}; this is ${arch}`);
  let koffi: Koffi;
  try {
    koffi = (await (host.load?.() ?? import('koffi'))).default as Koffi;
  } catch (e) {
    // The first line: what follows lists every place that was searched.
    throw new GtmError('GTM_NIC', `koffi cannot be loaded: ${reason(e).slice(0, 120)}`, e);
  }
  try {
    return bindings(koffi);
  } catch (e) {
    throw new GtmError('GTM_NIC', `the C library lacks a call: ${reason(e)}`, e);
  }
}

function bindings(koffi: Koffi): Libc {
  // The process itself: the C library that node runs with, glibc or musl, whatever its file is called.
  const self = koffi.load(null);
  const errno = koffi.errno;
  const cold = (definition: string) => {
    const name = /(\w+)\(/.exec(definition)?.[1] as string;
    const call = self.func(definition);
    return (...args: unknown[]): number => {
      const result = call(...args) as number;
      if (result < 0) throw systemFault(name, errno());
      return result;
    };
  };
  const socket = cold('int socket(int, int, int)');
  const setsockopt = cold('int setsockopt(int, int, int, void *, unsigned int)');
  const bind = cold('int bind(int, void *, unsigned int)');
  const connect = cold('int connect(int, void *, unsigned int)');
  const getsockname = cold('int getsockname(int, _Out_ void *, void *)');
  const eventfd = cold('int eventfd(unsigned int, int)');
  const close = cold('int close(int)');
  const getsockopt = cold('int getsockopt(int, int, int, void *, void *)');
  const open = cold('int open(const char *, int)');
  const ioctl = cold('int ioctl(int, unsigned long, void *)');
  const mmap = cold('intptr_t mmap(uintptr_t, uintptr_t, int, int, int, intptr_t)');
  const munmap = cold('int munmap(uintptr_t, uintptr_t)');
  const madvise = self.func('int madvise(uintptr_t, uintptr_t, int)');
  const mount = cold('int mount(const char *, const char *, const char *, unsigned long, const char *)');
  const syscall = self.func('long syscall(long, int, void *, unsigned int)');
  return {
    socket: (family, type, protocol) => socket(family, type | SOCK_CLOEXEC, protocol),
    setOption: (fd, level, option, value) => {
      setsockopt(fd, level, option, Int32Array.of(value), 4);
    },
    bind: (fd, address) => {
      bind(fd, address, address.length);
    },
    connect: (fd, address) => {
      connect(fd, address, address.length);
    },
    getName: (fd, address) => {
      getsockname(fd, address, Uint32Array.of(address.length));
    },
    eventfd: () => eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
    close: fd => {
      close(fd);
    },
    address: memory => Number(koffi.address(memory)),
    setOptionBytes: (fd, level, option, value) => {
      setsockopt(fd, level, option, value, value.length);
    },
    getOptionBytes: (fd, level, option, value) => {
      const length = Uint32Array.of(value.length);
      getsockopt(fd, level, option, value, length);
      return length[0];
    },
    open: (path, flags) => open(path, flags | O_CLOEXEC),
    ioctl: (fd, request, argument) => {
      ioctl(fd, request, argument);
    },
    map: (length, protection, flags, fd, offset) => mmap(0, length, protection, flags, fd, offset),
    unmap: (address, length) => {
      munmap(address, length);
    },
    adviseHuge: (address, length) => madvise(address, length, MADV_HUGEPAGE) === 0,
    view: (address, length) => koffi.view(BigInt(address), length),
    mount: (type, target, options) => {
      mount(type, target, type, 0, options);
    },
    bpf: (command, attributes) => {
      const result = Number(syscall(BPF_CALL[process.arch], command, attributes, attributes.length));
      return result < 0 ? -errno() : result;
    },
    recvmmsg: self.func('int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)') as Libc['recvmmsg'],
    sendmmsg: self.func('int sendmmsg(int, uintptr_t, unsigned int, int)') as Libc['sendmmsg'],
    poll: self.func('int poll(uintptr_t, unsigned long, int)') as Libc['poll'],
    usleep: self.func('int usleep(unsigned int)') as Libc['usleep'],
    read: self.func('long read(int, uintptr_t, unsigned long)') as Libc['read'],
    write: self.func('long write(int, uintptr_t, unsigned long)') as Libc['write'],
    send: self.func('long send(int, uintptr_t, unsigned long, int)') as Libc['send'],
    errno,
  };
}

/** GTM_SYSCALL with a cause that looks like node's own: `code` such as EADDRINUSE, `errno`, `syscall`. */
export function systemFault(syscall: string, errno: number): GtmError {
  const code = Object.entries(constants.errno).find(([, n]) => n === errno)?.[0] ?? `errno ${errno}`;
  const cause = Object.assign(new Error(`${syscall}: ${code}`), { code, errno, syscall });
  return new GtmError('GTM_SYSCALL', `${syscall} failed`, cause);
}
