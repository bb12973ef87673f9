// The words by which the XDP program knows whether a queue's worker is alive (xdp/steer.bpf.c), for those who write them.

/** Queues of an interface that there is room for: by queue, two words each, the time of now (beat) in the first. */
export const QUEUES = 64;

/** The word at `ns` nanoseconds of CLOCK_MONOTONIC: milliseconds of 2^20 ns. */
export function beat(ns: number): number {
  return Math.floor(ns / 2 ** 20) >>> 0;
}
