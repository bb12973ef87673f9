// Addresses of the control side as the packet path compares them: four big-endian words, IPv4 in the first.
import { GtmError } from '../kit/errors.ts';
import { parseIp } from '../kit/ip.ts';
import { TCP, UDP, word } from './packet/parse.ts';

/** Four words of an address's text. GTM_LVS_INVALID. */
export function wordsOf(text: string): Int32Array {
  const bytes = parseIp(text);
  if (bytes === undefined) throw new GtmError('GTM_LVS_INVALID', `${text}: no address`);
  const words = new Int32Array(4);
  for (let i = 0; i < bytes.length; i += 4) words[i >> 2] = word(bytes, i);
  return words;
}

/** 4 or 6. */
export function familyOf(text: string): number {
  return text.includes(':') ? 6 : 4;
}

export function protocolOf(name: 'tcp' | 'udp'): number {
  return name === 'tcp' ? TCP : UDP;
}

/** The words of a netmask of `length` bits (all, if undefined). */
export function maskOf(family: number, length: number | undefined): Int32Array {
  const bits = length ?? (family === 4 ? 32 : 128);
  return Int32Array.from({ length: 4 }, (_, i) => {
    const mine = Math.min(32, Math.max(0, bits - 32 * i));
    return mine === 0 ? 0 : -1 << (32 - mine);
  });
}

/** Words and length of a prefix `address/bits`. GTM_LVS_INVALID. */
export function prefixOf(text: string): { family: number; words: Int32Array; mask: Int32Array } {
  const [address, bits] = text.split('/');
  const words = wordsOf(address);
  const family = familyOf(address);
  const length = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > (family === 4 ? 32 : 128))
    throw new GtmError('GTM_LVS_INVALID', `${text}: no prefix`);
  return { family, words, mask: maskOf(family, length) };
}
