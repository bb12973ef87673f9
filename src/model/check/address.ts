// What the rules ask of addresses. Texts here have passed the schema: each is an IPv4 or IPv6 address.
import { formatIp, parseIp } from '../../kit/ip.ts';

interface Endpoint {
  address: string;
  port: number;
}

/** One spelling for each address. */
export function canonical(address: string): string {
  const bytes = parseIp(address);
  return bytes === undefined ? address : formatIp(bytes);
}

/** 4 or 6. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** `0.0.0.0` or `::`: every address of the host. */
export function isWildcard(address: string): boolean {
  return parseIp(address)?.every(b => b === 0) === true;
}

/** 127.0.0.0/8 or `::1`. */
export function isLoopback(address: string): boolean {
  return canonical(address) === '::1' || (familyOf(address) === 4 && address.startsWith('127.'));
}

/** Whether two sockets of one host can not stand beside each other: one port, and one address or a wildcard over it. */
export function overlap(a: Endpoint, b: Endpoint): boolean {
  if (a.port !== b.port || a.port === 0 || familyOf(a.address) !== familyOf(b.address)) return false;
  return isWildcard(a.address) || isWildcard(b.address) || canonical(a.address) === canonical(b.address);
}

/** Why traffic can not be sent to an address; undefined if it can. */
export function faultOfAddress(address: string): string | undefined {
  const bytes = parseIp(address);
  if (bytes === undefined) return undefined;
  const text = canonical(address);
  if (text.startsWith('::ffff:')) return `${address} is IPv4 in IPv6 clothes: write ${text.slice(7)}`;
  if (isWildcard(address)) return `${address} stands for every address of a host: name one`;
  if (bytes.length === 4 ? bytes[0] >= 224 && bytes[0] < 240 : bytes[0] === 0xff)
    return `${address} is a multicast address`;
  if (bytes.length === 4 && bytes[0] >= 240) return `${address} is no unicast address`;
  if (bytes.length === 16 && bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0x80)
    return `${address} is link-local: it means nothing without an interface`;
  return undefined;
}
