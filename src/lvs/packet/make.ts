// Packets made from nothing, for what sends its own: right lengths and checksums, DF, no options.
import { finish, sum } from '../../kit/checksum.ts';
import { setHalf, TCP, UDP } from './parse.ts';

/** Where a packet begins its way. */
const TTL = 64;
const DF = 0x4000;

/**
 * An IPv4 or IPv6 packet, as the addresses (both of 4 or 16 octets) have it, around a TCP or UDP header with its data,
 * whose checksum is put in; of UDP it is never 0 (RFC 768).
 */
export function makePacket(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  transport: Uint8Array,
): Uint8Array {
  const v4 = source.length === 4;
  const header = v4 ? 20 : 40;
  const addresses = v4 ? 12 : 8;
  const b = new Uint8Array(header + transport.length);
  b.set(transport, header);
  b.set(source, addresses);
  b.set(destination, addresses + source.length);
  if (v4) {
    b[0] = 0x45;
    setHalf(b, 2, b.length);
    setHalf(b, 6, DF);
    b.set([TTL, protocol], 8);
    setHalf(b, 10, finish(sum(b, 0, header, 0)));
  } else {
    b[0] = 0x60;
    setHalf(b, 4, transport.length);
    b.set([protocol, TTL], 6);
  }
  const pseudo = sum(b, addresses, addresses + 2 * source.length, protocol + transport.length);
  const check = finish(sum(b, header, b.length, pseudo));
  setHalf(b, header + (protocol === TCP ? 16 : 6), check === 0 && protocol === UDP ? 0xffff : check);
  return b;
}
