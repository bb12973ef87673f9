// The salt and the hashed owner of NSEC3 and NSEC3PARAM (RFC 5155 §3.3, §4.3): a length octet, then hex or base32hex.
import { show } from '../zonefile/faults.ts';
import type { Kind } from './kind.ts';
import { base32hex, hex, parseBase32hex, parseHex } from './octets.ts';

/** `-` for none. */
export const salt: Kind = {
  end: (bytes, at, end) => (at < end && at + 1 + bytes[at] <= end ? at + 1 + bytes[at] : -1),
  print: (bytes, at, end) => (bytes[at] === 0 ? '-' : hex(bytes, at + 1, end)),
  scan(words, field, mnemonic) {
    const octets = words.word === '-' ? new Uint8Array(0) : parseHex(words.word);
    if (octets === undefined || octets.length > 255 || words.word === '')
      return words.fail(
        'data',
        `${show(words.word)} is no ${field.name} of ${mnemonic}: hexadecimal, or - for none`,
      );
    return words.put(octets.length, 1) && words.putOctets(octets) && words.next();
  },
};

export const hash32: Kind = {
  end: (bytes, at, end) => (at < end && bytes[at] > 0 && at + 1 + bytes[at] <= end ? at + 1 + bytes[at] : -1),
  print: (bytes, at, end) => base32hex(bytes, at + 1, end),
  scan(words, field, mnemonic) {
    const octets = parseBase32hex(words.word);
    if (octets === undefined || octets.length === 0 || octets.length > 255)
      return words.fail(
        'data',
        `${show(words.word)} is no ${field.name} of ${mnemonic}: base32 of 0 to 9 and a to v`,
      );
    return words.put(octets.length, 1) && words.putOctets(octets) && words.next();
  },
};
