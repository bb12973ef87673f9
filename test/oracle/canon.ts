// Packets as they are compared: what the kernel draws by dice is taken out, after its checksums were found right.
import { parseIp } from '../../src/kit/ip.ts';
import { checksum, GRE, ICMP, ICMP6, IPIP, IPV6, TCP, UDP } from './packet.ts';
import { OWN } from './topology.ts';

const GUE_PORT = 6080;
/** The director's own address on the servers' side. */
const OUTER = Buffer.from(parseIp(OWN.server[0]) as Uint8Array);

/** Where an IPv4 or IPv6 packet's payload begins and what it is; of a later fragment, protocol -1. */
function layer(packet: Buffer): { six: boolean; head: number; protocol: number } {
  const six = packet[0] >> 4 === 6;
  if (six && packet[6] === 44) {
    const first = (packet.readUInt16BE(42) & 0xfff8) === 0;
    return { six, head: 48, protocol: first ? packet[40] : -1 };
  }
  const later = !six && (packet.readUInt16BE(6) & 0x1fff) !== 0;
  return { six, head: six ? 40 : (packet[0] & 15) * 4, protocol: later ? -1 : six ? packet[6] : packet[9] };
}

/** An IPv4 header without its identification and checksum; says so where the checksum was wrong. */
function header(packet: Buffer, id: boolean): string {
  if (packet[0] >> 4 !== 4) {
    // The identification of IPv6 fragments is drawn anew.
    if (packet[6] === 44) packet.writeUInt32BE(0, 44);
    return '';
  }
  const head = (packet[0] & 15) * 4;
  const fault = checksum(packet.subarray(0, head)) === 0 ? '' : 'wrong header checksum';
  packet.writeUInt16BE(0, 10);
  if (id) packet.writeUInt16BE(0, 4);
  return fault;
}

/**
 * The comparable form, in hex. `own`: a message of the director itself, whose identification is its own. `full`: of FullNAT, where
 * the kernel mends the transport checksum in the quote of an ICMP error, if it is there, for the half that netfilter does.
 */
export function canon(bytes: Uint8Array, own: boolean, full = false): string {
  const packet = Buffer.from(bytes);
  const { six, head, protocol } = layer(packet);
  const gue = protocol === UDP && packet.length > head + 4 && packet.readUInt16BE(head + 2) === GUE_PORT;
  const tunnel = gue || protocol === IPIP || protocol === IPV6 || protocol === GRE;
  // Of a tunnel's later fragments only the source tells what they are.
  const ours = !six && packet.subarray(12, 16).equals(OUTER);
  const fault = header(packet, own || tunnel || ours);
  if (gue) {
    // The source port is a hash of the flow with a secret; the checksum covers it.
    const sum = packet.readUInt16BE(head + 6);
    packet.writeUInt16BE(0, head);
    packet.writeUInt16BE(sum === 0 ? 0 : 1, head + 6);
  }
  const quoted = full && (protocol === ICMP || protocol === ICMP6) ? quotedChecksum(packet, head + 8) : 0;
  if (quoted > 0 && quoted + 2 <= packet.length) {
    const pseudo = six ? pseudoOf(packet, head) : Buffer.alloc(0);
    if (checksum(pseudo, packet.subarray(head)) !== 0) return `wrong checksum ${packet.toString('hex')}`;
    packet.writeUInt16BE(0, head + 2);
    packet.writeUInt16BE(0, quoted);
  }
  if (own && (protocol === ICMP || protocol === ICMP6) && six) packet.writeUInt16BE(0, 4);
  return fault + packet.toString('hex');
}

/** Where the TCP or UDP checksum of a quoted packet at `at` is; 0 = it quotes none of these. */
function quotedChecksum(packet: Buffer, at: number): number {
  if (packet.length < at + 20) return 0;
  const six = packet[at] >> 4 === 6;
  const protocol = packet[at + (six ? 6 : 9)];
  const l4 = at + (six ? 40 : (packet[at] & 15) * 4);
  return protocol === TCP ? l4 + 16 : protocol === UDP ? l4 + 6 : 0;
}

function pseudoOf(packet: Buffer, head: number): Buffer {
  const rest = Buffer.alloc(8);
  rest.writeUInt32BE(packet.length - head, 0);
  rest[7] = ICMP6;
  return Buffer.concat([packet.subarray(8, 40), rest]);
}

export function protocolOf(packet: Uint8Array): number {
  return layer(Buffer.from(packet)).protocol;
}

/** In words, for people: addresses and ports, flags, length. */
export function words(bytes: Uint8Array): string {
  const packet = Buffer.from(bytes);
  const { six, head, protocol } = layer(packet);
  const name = {
    [TCP]: 'tcp',
    [UDP]: 'udp',
    [ICMP]: 'icmp',
    [ICMP6]: 'icmp6',
    [IPIP]: 'ipip',
    [IPV6]: 'ip6',
    [GRE]: 'gre',
  }[protocol];
  const address = (at: number) =>
    six
      ? packet
          .toString('hex', at, at + 16)
          .replace(/(....)(?=.)/g, '$1:')
          .replace(/(:0000)+:/, '::')
      : [...packet.subarray(at, at + 4)].join('.');
  const [s, d] = six ? [address(8), address(24)] : [address(12), address(16)];
  const ports =
    protocol === TCP || protocol === UDP
      ? `${packet.readUInt16BE(head)} > ${packet.readUInt16BE(head + 2)}`
      : '';
  const flags =
    protocol === TCP
      ? `flags ${packet[head + 13].toString(16)}`
      : protocol === ICMP || protocol === ICMP6
        ? `type ${packet[head]} code ${packet[head + 1]}`
        : '';
  return `${s} > ${d} ${name ?? protocol} ${ports} ${flags} ttl ${packet[six ? 7 : 8]} length ${packet.length}`.replace(
    / +/g,
    ' ',
  );
}
