// What the host's own stack does with a packet that LVS leaves to it: it forwards what is for elsewhere; of what is for
// itself nothing needs to come, and what may come is named here.
import { formatIp } from '../../src/kit/ip.ts';
import { protocolOf } from './canon.ts';
import { checksum, ICMP, ICMP6, TCP } from './packet.ts';
import { type Sent, toBytes, toText } from './story.ts';
import { NEIGHBOURS, wayTo } from './topology.ts';

export interface Expected {
  sent: Sent[];
  own: boolean;
}

/** What is expected on the wire for `packet`, given what the kernel sent: its own messages are taken as they are. */
export function hostWould(packet: Uint8Array, kernel: readonly Sent[]): Expected {
  const six = packet[0] >> 4 === 6;
  const way = wayTo(six ? formatIp(packet, 24, 16) : formatIp(packet, 16, 4));
  const source = six ? formatIp(packet, 8, 16) : formatIp(packet, 12, 4);
  const answers = kernel.every(s => answer(toBytes(s.packet), source));
  if (way === undefined) return { sent: answers ? [...kernel] : [], own: true };
  const hop = NEIGHBOURS.find(n => n.address === way.hop)?.mac ?? way.hop;
  const lived = packet[six ? 7 : 8] <= 1;
  const cut = packet.length > 1280;
  if (kernel.length > 0 && answers && (lived || cut)) return { sent: [...kernel], own: true };
  if (cut && kernel.length > 1) return { sent: [...kernel], own: true };
  const on = Buffer.from(packet);
  on[six ? 7 : 8]--;
  if (!six) {
    on.writeUInt16BE(0, 10);
    on.writeUInt16BE(checksum(on.subarray(0, (on[0] & 15) * 4)), 10);
  }
  return { sent: [{ side: way.side, hop, packet: toText(on) }], own: false };
}

/** A reset, or an ICMP message, to `source`. */
function answer(packet: Uint8Array, source: string): boolean {
  const six = packet[0] >> 4 === 6;
  if ((six ? formatIp(packet, 24, 16) : formatIp(packet, 16, 4)) !== source) return false;
  const protocol = protocolOf(packet);
  if (protocol === ICMP || protocol === ICMP6) return true;
  const head = six ? 40 : (packet[0] & 15) * 4;
  return protocol === TCP && (packet[head + 13] & 4) !== 0;
}
