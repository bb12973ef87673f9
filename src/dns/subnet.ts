// EDNS client subnet, RFC 7871: whom a resolver asks for. What is answered is the same for all, so the option goes back
// with scope 0, and the resolver may keep the answer for everybody (§7.2.1); the subnet is left in the client's fields
// for policies to come.
//   family 2 · source prefix 1 · scope prefix 1 · address, cut to the octets that the source prefix needs
import { clearBehind } from '../kit/prefix.ts';
import type { Client } from '../model/steering.ts';
import { read16 } from './message.ts';

const HEAD = 4;

/**
 * Reads the `length` octets of the option at `at` into the client's subnet fields. Returns false for what is FORMERR
 * (§7.1.2): too short, an unknown family, a prefix longer than the address, octets too few or too many, bits behind the
 * prefix, a scope in a query. Family 0 stands for nobody, with no address.
 */
export function takeSubnet(bytes: Uint8Array, at: number, length: number, client: Client): boolean {
  if (length < HEAD) return false;
  const family = read16(bytes, at);
  const bits = bytes[at + 2];
  const size = length - HEAD;
  const most = family === 1 ? 32 : family === 2 ? 128 : 0;
  if (family > 2 || bits > most || bytes[at + 3] !== 0) return false;
  if (size !== (bits + 7) >> 3 || !clearBehind(bytes, at + HEAD, size, bits)) return false;
  client.subnetFamily = family === 1 ? 4 : family === 2 ? 6 : 0;
  client.subnetBits = bits;
  for (let i = 0; i < 16; i++) client.subnet[i] = i < size ? bytes[at + HEAD + i] : 0;
  return true;
}
