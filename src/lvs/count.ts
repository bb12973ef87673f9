// LVS's packet and byte counters (ip_vs_in_stats, ip_vs_out_stats): of a server and its service, bytes as IP lengths.
import { type Dest, INBYTES, INPKTS, OUTBYTES, OUTPKTS } from './service.ts';

/** A packet of `bytes` to `dest`, counted for it and its service while it is one of its servers. */
export function countIn(dest: Dest, bytes: number): void {
  if (dest.at < 0) return;
  dest.counts[INPKTS]++;
  dest.counts[INBYTES] += bytes;
  const { counts } = dest.service;
  counts[INPKTS]++;
  counts[INBYTES] += bytes;
}

/** A packet of `bytes` from `dest`, counted for it and its service while it is one of its servers. */
export function countOut(dest: Dest, bytes: number): void {
  if (dest.at < 0) return;
  dest.counts[OUTPKTS]++;
  dest.counts[OUTBYTES] += bytes;
  const { counts } = dest.service;
  counts[OUTPKTS]++;
  counts[OUTBYTES] += bytes;
}
