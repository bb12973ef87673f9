// Cutting a packet that `out.fragment` says is too long (RFC 791 §3.2, RFC 8200 §4.5): fragments one after another into one buffer.
// Invariant: every fragment but the last carries a multiple of eight bytes; together they carry the packet.
import { finish, sum } from '../../kit/checksum.ts';
import { half, setHalf, setWord } from './parse.ts';

/** IPv6 headers that come in every fragment: hop-by-hop, routing, destination options in front of routing. */
function unfragmentable(frame: Uint8Array, offset: number, end: number): { size: number; field: number } {
  let field = offset + 6;
  let at = offset + 40;
  let kept = { size: 40, field };
  while (at + 8 <= end && (frame[field] === 0 || frame[field] === 43 || frame[field] === 60)) {
    const routes = frame[field] !== 60;
    field = at;
    at += (frame[at + 1] + 1) << 3;
    if (routes && at <= end) kept = { size: at - offset, field };
  }
  return kept;
}

/**
 * Cuts the IP packet frame[offset, +length) into fragments of at most `mtu` bytes, each written to the front of `to` (which holds
 * `mtu` bytes) and handed to `emit` with its length. `id`: the identification of an IPv6 packet. False = it may not be cut that small.
 */
export function fragment(
  frame: Uint8Array,
  offset: number,
  length: number,
  mtu: number,
  id: number,
  to: Uint8Array,
  emit: (length: number) => void,
): boolean {
  const end = offset + length;
  const v4 = frame[offset] >> 4 === 4;
  const kept = v4 ? { size: (frame[offset] & 15) << 2, field: 0 } : unfragmentable(frame, offset, end);
  const header = kept.size;
  const room = (mtu - header - (v4 ? 0 : 8)) & ~7;
  if (room < 8) return false;
  const data = offset + header;
  const base = v4 ? half(frame, offset + 6) : 0;
  for (let from = 0; data + from < end; from += room) {
    const size = Math.min(room, end - data - from);
    const more = data + from + size < end;
    const start = v4 ? header : header + 8;
    to.set(frame.subarray(offset, offset + header), 0);
    to.set(frame.subarray(data + from, data + from + size), start);
    if (v4) {
      setHalf(to, 2, start + size);
      setHalf(to, 6, (((base & 0x1fff) + (from >> 3)) & 0x1fff) | (more || base & 0x2000 ? 0x2000 : 0));
      setHalf(to, 10, 0);
      setHalf(to, 10, finish(sum(to, 0, header, 0)));
    } else {
      const field = kept.field - offset;
      setHalf(to, header, to[field] << 8);
      to[field] = 44;
      setHalf(to, header + 2, from | (more ? 1 : 0));
      setWord(to, header + 4, id);
      setHalf(to, 4, start + size - 40);
    }
    emit(start + size);
  }
  return true;
}
