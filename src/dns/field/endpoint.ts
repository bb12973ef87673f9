// Fields whose own shape is told by an octet before them: the gateway of IPSECKEY (RFC 4025 §2.5), the relay of AMTRELAY
// (RFC 8777 §4.2); and the identity of HIP, whose lengths stand before both of its parts (RFC 8005 §5).
import { formatIp, parseIp } from '../../kit/ip.ts';
import { nameEnd, relativeName } from '../name.ts';
import { show } from '../zonefile/faults.ts';
import type { Kind, Words } from './kind.ts';
import { base64, hex, number, parseBase64, parseHex } from './octets.ts';

/** Gateway type, algorithm, gateway. */
export const gateway: Kind = {
  end: (bytes, at, end) => (at + 2 <= end ? endpointEnd(bytes[at], bytes, at + 2, end) : -1),
  print: (bytes, at, end, origin) =>
    `${bytes[at]} ${bytes[at + 1]} ${endpointText(bytes[at], bytes, at + 2, end, origin)}`,
  scan(words, _, mnemonic) {
    const type = typeOf(words, 'gateway', mnemonic);
    if (type < 0) return false;
    words.put(type, 1);
    if (!words.more) return words.fail('missing', `${mnemonic} without its algorithm`);
    return words.number('algorithm', mnemonic, 1) && scanEndpoint(words, type, 'gateway', mnemonic);
  },
};

/** The discovery bit and the type in one octet, written as two words; then the relay. */
export const relay: Kind = {
  end: (bytes, at, end) => (at < end ? endpointEnd(bytes[at] & 0x7f, bytes, at + 1, end) : -1),
  print: (bytes, at, end, origin) => {
    const type = bytes[at] & 0x7f;
    return `${bytes[at] >> 7} ${type} ${endpointText(type, bytes, at + 1, end, origin)}`;
  },
  scan(words, _, mnemonic) {
    const discovery = words.word;
    if (discovery !== '0' && discovery !== '1')
      return words.fail('number', `${show(discovery)} is no discovery of ${mnemonic}: 0 or 1`);
    words.next();
    if (!words.more) return words.fail('missing', `${mnemonic} without its relay type`);
    const type = typeOf(words, 'relay', mnemonic);
    if (type < 0) return false;
    words.put(Number(discovery) * 128 + type, 1);
    return scanEndpoint(words, type, 'relay', mnemonic);
  },
};

// 0 none, 1 IPv4, 2 IPv6, 3 a name; -1 after a fault.
function typeOf(words: Words, what: string, mnemonic: string): number {
  if (/^[0-3]$/.test(words.word)) {
    const type = Number(words.word);
    words.next();
    return type;
  }
  words.fail('number', `${show(words.word)} is no ${what} type of ${mnemonic}: a number from 0 to 3`);
  return -1;
}

function endpointEnd(type: number, bytes: Uint8Array, at: number, end: number): number {
  if (type === 0) return at;
  if (type === 3) return nameEnd(bytes, at, end);
  const stop = at + (type === 1 ? 4 : 16);
  return type <= 2 && stop <= end ? stop : -1;
}

function endpointText(type: number, bytes: Uint8Array, at: number, end: number, origin: Uint8Array): string {
  if (type === 0) return '.';
  return type === 3 ? relativeName(bytes, origin, at) : formatIp(bytes, at, end - at);
}

function scanEndpoint(words: Words, type: number, what: string, mnemonic: string): boolean {
  if (!words.more) return words.fail('missing', `${mnemonic} without its ${what}`);
  if (type === 3) return words.name(what);
  if (type === 0)
    return words.word === '.' ? words.next() : words.fail('form', `a ${what} of type 0 is written as a dot`);
  const size = type === 1 ? 4 : 16;
  const address = parseIp(words.word);
  if (address?.length !== size)
    return words.fail('address', `${show(words.word)} is not an IPv${type === 1 ? 4 : 6} address`);
  return words.putOctets(address) && words.next();
}

/** The header of HIP: lengths, algorithm, identity tag (hex), public key (base64). */
export const hip: Kind = {
  end(bytes, at, end) {
    if (at + 4 > end || bytes[at] === 0 || number(bytes, at + 2, at + 4) === 0) return -1;
    const stop = at + 4 + bytes[at] + number(bytes, at + 2, at + 4);
    return stop <= end ? stop : -1;
  },
  print(bytes, at, end) {
    const key = at + 4 + bytes[at];
    return `${bytes[at + 1]} ${hex(bytes, at + 4, key)} ${base64(bytes, key, end)}`;
  },
  scan(words, _, mnemonic) {
    const algorithm = /^\d{1,3}$/.test(words.word) ? Number(words.word) : 256;
    if (algorithm > 255)
      return words.fail(
        'number',
        `${show(words.word)} is no algorithm of ${mnemonic}: a number from 0 to 255`,
      );
    words.next();
    if (!words.more) return words.fail('missing', `${mnemonic} without its identity tag`);
    const tag = parseHex(words.word);
    if (tag === undefined || tag.length === 0 || tag.length > 255)
      return words.fail('data', `${show(words.word)} is not hexadecimal of 1 to 255 octets`);
    words.next();
    if (!words.more) return words.fail('missing', `${mnemonic} without its public key`);
    const key = parseBase64(words.word);
    if (key === undefined || key.length === 0) return words.fail('data', `${show(words.word)} is not base64`);
    words.put(tag.length, 1);
    words.put(algorithm, 1);
    words.put(key.length, 2);
    return words.putOctets(tag) && words.putOctets(key) && words.next();
  },
};

/** Names to the end: the rendezvous servers of HIP. */
export const names: Kind = {
  end(bytes, start, end) {
    let at = start;
    while (at >= 0 && at < end) at = nameEnd(bytes, at, end);
    return at;
  },
  print(bytes, start, end, origin) {
    const texts: string[] = [];
    for (let at = start; at < end; at = nameEnd(bytes, at, end)) texts.push(relativeName(bytes, origin, at));
    return texts.join(' ');
  },
  scan(words, field) {
    while (words.more) if (!words.name(field.name)) return false;
    return true;
  },
};
