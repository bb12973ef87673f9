// How a thread that blocks in poll() is woken by another: an eventfd. One side rings, the other has its descriptor in
// its poll set. The side that made it closes it, once the other has ended: a number that is closed may be somebody else's.
import type { Libc } from './libc.ts';

export interface Wake {
  /** For the poll set of the thread to be woken. */
  readonly fd: number;
  /** Wakes it now, or spares it its next sleep. */
  ring(): void;
  close(): void;
}

/** Opens the eventfd. Throws GTM_SYSCALL. */
export function openWake(libc: Libc): Wake {
  const fd = libc.eventfd();
  const one = BigUint64Array.of(1n);
  const at = libc.address(one.buffer);
  let open = true;
  return {
    fd,
    ring: () => {
      // A counter that is full wakes as well: there is nothing to be done about a failure.
      if (open) libc.write(fd, at, one.byteLength);
    },
    close: () => {
      if (open) libc.close(fd);
      open = false;
    },
  };
}
