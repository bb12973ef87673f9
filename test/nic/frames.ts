// Ethernet around the packets of test/lvs/build.ts.

export const HERE: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 1);
export const THERE: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 2);

/** A frame with `packet` (IPv4 or IPv6) in it, behind the VLAN tags given as [EtherType, tag control] each. */
export function frame(packet: Uint8Array, tags: readonly [number, number][] = [], to = HERE): Uint8Array {
  const type = packet[0] >> 4 === 4 ? 0x0800 : 0x86dd;
  const words = [...tags.flat(), type];
  return Uint8Array.from([...to, ...THERE, ...words.flatMap(w => [w >> 8, w & 255]), ...packet]);
}
