// The memory that frames lie in (UMEM): one for each worker, shared by its sockets on all interfaces, and its free frames.
// Invariant: a frame is at one place only: on the free stack, in one ring, or in the worker's hands. Its number is the octet
// offset of its first byte, which the kernel gives back with low bits set: take() and put() know frames, put() takes any address.
import type { Libc } from './libc.ts';

/** Told to the worker. */
export interface UmemPlace {
  address: number;
  /** Octets of a frame, a power of two; frames. */
  frameSize: number;
  frames: number;
}

/** Octets in front of a received packet: the kernel's XDP_PACKET_HEADROOM, and two so that IP headers are aligned. */
export const HEADROOM = 256 + 2;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_POPULATE = 0x8022;

/** Maps the memory; the caller unmaps it with unmapUmem. Throws GTM_SYSCALL. */
export function mapUmem(libc: Libc, frames: number, frameSize: number): UmemPlace {
  const address = libc.map(frames * frameSize, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_POPULATE, -1, 0);
  return { address, frameSize, frames };
}

export function unmapUmem(libc: Libc, { address, frames, frameSize }: UmemPlace): void {
  libc.unmap(address, frames * frameSize);
}

/** The worker's side. */
export class Umem {
  /** All frames, one after another. */
  readonly bytes: Uint8Array;
  readonly address: number;
  readonly frameSize: number;
  readonly #free: Int32Array;
  readonly #mask: number;
  #count = 0;

  constructor(libc: Libc, place: UmemPlace) {
    this.bytes = new Uint8Array(libc.view(place.address, place.frames * place.frameSize));
    this.address = place.address;
    this.frameSize = place.frameSize;
    this.#mask = ~(place.frameSize - 1);
    this.#free = new Int32Array(place.frames);
    for (let i = place.frames - 1; i >= 0; i--) this.#free[this.#count++] = i * place.frameSize;
  }

  /** Free frames. */
  get free(): number {
    return this.#count;
  }

  /** A free frame, or -1. */
  take(): number {
    return this.#count === 0 ? -1 : this.#free[--this.#count];
  }

  /** Gives back the frame that `address` lies in. */
  put(address: number): void {
    this.#free[this.#count++] = address & this.#mask;
  }
}
