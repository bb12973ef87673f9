// Identifiers below names and addresses: EUI-48 and EUI-64 (RFC 7043), the 64 bits of ILNP (RFC 6742), NSAP (RFC 1706),
// the subaddress of ISDN (RFC 1183 §3.2).
import type { Field } from '../rr.ts';
import { show } from '../zonefile/faults.ts';
import type { Kind, Words } from './kind.ts';
import { hex, parseHex, quote } from './octets.ts';

export const eui48 = dashed(6, '00-00-5e-00-53-2a');
export const eui64 = dashed(8, '00-00-5e-ef-10-00-00-2a');

function dashed(size: number, example: string): Kind {
  return {
    end: (_, at, end) => (at + size <= end ? at + size : -1),
    print: (bytes, at, end) => (hex(bytes, at, end).match(/../g) as string[]).join('-'),
    scan(words, field, mnemonic) {
      const parts = words.word.split('-');
      const fits = parts.length === size && parts.every(p => p.length === 2);
      return take(words, field, mnemonic, fits ? parseHex(parts.join('')) : undefined, example);
    },
  };
}

/** NID and L64: four groups, all of them written. */
export const ilnp: Kind = {
  end: (_, at, end) => (at + 8 <= end ? at + 8 : -1),
  print: (bytes, at, end) => (hex(bytes, at, end).match(/.{4}/g) as string[]).join(':'),
  scan(words, field, mnemonic) {
    const groups = words.word.split(':');
    const fits = groups.length === 4 && groups.every(g => /^[0-9a-fA-F]{1,4}$/.test(g));
    const octets = fits ? parseHex(groups.map(g => g.padStart(4, '0')).join('')) : undefined;
    return take(words, field, mnemonic, octets, '2001:0db8:1140:1000');
  },
};

/** Dots between the octets mean nothing. */
export const nsap: Kind = {
  end: (_, at, end) => (at < end ? end : -1),
  print: (bytes, at, end) => `0x${hex(bytes, at, end)}`,
  scan(words, field, mnemonic) {
    const m = /^0x([0-9a-f.]+)$/i.exec(words.word);
    const octets = m === null ? undefined : parseHex(m[1].replaceAll('.', ''));
    return take(words, field, mnemonic, octets?.length === 0 ? undefined : octets, '0x47.0005.80');
  },
};

/** One string, or nothing. */
export const subaddress: Kind = {
  end: (bytes, at, end) => (at === end || at + 1 + bytes[at] === end ? end : -1),
  print: (bytes, at, end) => (at === end ? '' : quote(bytes, at + 1, end)),
  scan(words) {
    const octets = words.octets();
    if (octets === undefined) return false;
    if (octets.length > 255) return words.fail('string', 'a string is over 255 octets');
    return words.put(octets.length, 1) && words.putOctets(octets) && words.next();
  },
};

function take(
  words: Words,
  field: Field,
  mnemonic: string,
  octets: Uint8Array | undefined,
  example: string,
): boolean {
  if (octets !== undefined) return words.putOctets(octets) && words.next();
  return words.fail(
    'form',
    `${show(words.word)} is no ${field.name} of ${mnemonic}: written such as ${example}`,
  );
}
