// Memory on huge pages, for large tables that are read here and there: one entry of the processor's cache of addresses (TLB) covers 2 MiB
// instead of 4 KiB, so that a read misses the table's line and not the page's address too (madvise(2), MADV_HUGEPAGE).
// Invariant: whoever maps a place unmaps it, once nobody reads the arrays that were cut from it.
import { readFileSync } from 'node:fs';
import type { Memory } from '../kit/memory.ts';
import type { Libc } from './libc.ts';

/** Told to the thread that works in it. */
export interface HugePlace {
  address: number;
  length: number;
  /** Whether the kernel gives huge pages: transparent_hugepage may be `never`, or not there at all. */
  huge: boolean;
}

const MODE = '/sys/kernel/mm/transparent_hugepage/enabled';
const PAGE = 2 << 20;
/** Pieces begin at lines of the processor's cache. */
const LINE = 64;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;

/** Maps `bytes` of zeroed memory, which takes none before it is written to. Throws GTM_SYSCALL. */
export function mapHuge(libc: Libc, bytes: number): HugePlace {
  // A page more: the kernel makes huge pages where they may begin.
  const length = Math.ceil(bytes / PAGE + 1) * PAGE;
  const address = libc.map(length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
  return { address, length, huge: libc.adviseHuge(address, length) && !mode().includes('[never]') };
}

export function unmapHuge(libc: Libc, { address, length }: HugePlace): void {
  libc.unmap(address, length);
}

/** Cuts pieces of `place`, one behind the other, each once; what does not fit any more comes from the heap. */
export function carve(libc: Libc, place: HugePlace): Memory {
  const end = place.address + place.length;
  let at = Math.ceil(place.address / PAGE) * PAGE;
  return bytes => {
    if (at + bytes > end || bytes === 0) return new ArrayBuffer(bytes);
    const piece = libc.view(at, bytes);
    at += Math.ceil(bytes / LINE) * LINE;
    return piece;
  };
}

function mode(): string {
  try {
    return readFileSync(MODE, 'utf8');
  } catch {
    // Not mounted: the advice was taken all the same.
    return '';
  }
}
