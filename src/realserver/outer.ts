// Where the inner packet begins in what a director sent through a tunnel: IPIP, 6in4 and the like, GRE, GUE.
//   raw sockets of IPv4 give the outer header, those of IPv6 do not; UDP sockets give the payload
// Invariant: what is not a whole IP packet for one of the VIPs is nothing.

export type Wrapping = 'ip' | 'gre' | 'gue';

/** GRE: what each of these flags puts behind its four octets (checksum, key, sequence number). */
const GRE_FIELDS = [0x80, 0x20, 0x10];
/** Flags of GRE that nobody here sends: routing (RFC 1701). */
const GRE_OTHER = 0x40;

/** The offset of the inner packet in `bytes` (`length` of them), or -1. `outerHeader`: an IPv4 header stands in front. */
export function innerOffset(
  wrapping: Wrapping,
  bytes: Uint8Array,
  length: number,
  outerHeader: boolean,
): number {
  let at = 0;
  if (outerHeader) {
    if (length < 20 || bytes[0] >> 4 !== 4) return -1;
    at = (bytes[0] & 15) * 4;
  }
  if (wrapping === 'gre') {
    if (length < at + 4 || (bytes[at] & GRE_OTHER) !== 0 || (bytes[at + 1] & 7) !== 0) return -1;
    const protocol = (bytes[at + 2] << 8) | bytes[at + 3];
    if (protocol !== 0x0800 && protocol !== 0x86dd) return -1;
    const flags = bytes[at];
    at += 4;
    for (const bit of GRE_FIELDS) if ((flags & bit) !== 0) at += 4;
  } else if (wrapping === 'gue') {
    // Version 0 and data, not control; or version 1: the IP packet itself.
    if (length < at + 4) return -1;
    if (bytes[at] >> 6 === 0) {
      if ((bytes[at] & 0x20) !== 0) return -1;
      at += 4 + (bytes[at] & 31) * 4;
    } else if (bytes[at] >> 6 !== 1) return -1;
  }
  return isWhole(bytes, at, length) ? at : -1;
}

/** Whether the packet at `at` is for one of these addresses (4 or 16 octets each). */
export function isFor(bytes: Uint8Array, at: number, addresses: readonly Uint8Array[]): boolean {
  const six = bytes[at] >> 4 === 6;
  const from = at + (six ? 24 : 16);
  return addresses.some(a => a.length === (six ? 16 : 4) && a.every((b, i) => bytes[from + i] === b));
}

// The length that it says itself has to be there.
function isWhole(bytes: Uint8Array, at: number, length: number): boolean {
  const version = length > at ? bytes[at] >> 4 : 0;
  if (version === 4 && length >= at + 20) {
    const total = (bytes[at + 2] << 8) | bytes[at + 3];
    return (bytes[at] & 15) >= 5 && total >= 20 && at + total <= length;
  }
  return version === 6 && length >= at + 40 && at + 40 + ((bytes[at + 4] << 8) | bytes[at + 5]) <= length;
}
