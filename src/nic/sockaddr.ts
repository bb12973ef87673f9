// Socket addresses between the kernel's form (sockaddr_in, sockaddr_in6) and ours.
import { formatIp, parseIp } from '../kit/ip.ts';
import { AF, SOCKADDR } from './layout.ts';

/** The sockaddr of an IPv4 or IPv6 address and a port. RangeError for a text that is no address. */
export function sockaddr(address: string, port: number): Uint8Array {
  const ip = parseIp(address);
  if (ip === undefined) throw new RangeError(`«${address}» is no address`);
  const [family, form] = ip.length === 16 ? [AF.INET6, SOCKADDR.in6] : [AF.INET, SOCKADDR.in];
  const bytes = new Uint8Array(form.size);
  const view = new DataView(bytes.buffer);
  view.setUint16(SOCKADDR.family, family, true);
  view.setUint16(SOCKADDR.port, port);
  bytes.set(ip, form.address);
  return bytes;
}

/** What stands in a sockaddr of either family. */
export function readSockaddr(bytes: Uint8Array): { address: string; port: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const six = view.getUint16(SOCKADDR.family, true) === AF.INET6;
  const at = six ? SOCKADDR.in6.address : SOCKADDR.in.address;
  return { address: formatIp(bytes, at, six ? 16 : 4), port: view.getUint16(SOCKADDR.port) };
}
