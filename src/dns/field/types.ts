// Sets of types: the windows of NSEC, NSEC3 and CSYNC (RFC 4034 §4.1.2), and the one bitmap of the old NXT (RFC 2535 §5.2).
import { typeCode, typeText } from '../rr.ts';
import { show } from '../zonefile/faults.ts';
import type { Kind, Words } from './kind.ts';

/** Windows of up to 32 octets, in ascending order, none empty and none with zeros at its end. */
export const types: Kind = {
  end(bytes, start, end) {
    let last = -1;
    for (let at = start; at < end; ) {
      const length = at + 2 <= end ? bytes[at + 1] : 0;
      if (length < 1 || length > 32 || bytes[at] <= last || at + 2 + length > end) return -1;
      if (bytes[at + 1 + length] === 0) return -1;
      last = bytes[at];
      at += 2 + length;
    }
    return end;
  },
  print(bytes, start, end) {
    const texts: string[] = [];
    for (let at = start; at < end; at += 2 + bytes[at + 1])
      texts.push(...bits(bytes, at + 2, at + 2 + bytes[at + 1]).map(bit => typeText(bytes[at] * 256 + bit)));
    return texts.join(' ');
  },
  scan(words, _, mnemonic) {
    const codes = codesOf(words, mnemonic, 0xffff);
    if (codes === undefined) return false;
    for (let i = 0; i < codes.length; ) {
      const window = codes[i] >> 8;
      let to = i;
      while (to < codes.length && codes[to] >> 8 === window) to++;
      const map = bitmap(codes.slice(i, to).map(code => code & 255));
      words.put(window * 256 + map.length, 2);
      if (!words.putOctets(map)) return false;
      i = to;
    }
    return true;
  },
};

/** One bitmap of types 1 to 127. */
export const oldTypes: Kind = {
  end: (bytes, at, end) =>
    end - at > 16 || (end > at && (bytes[end - 1] === 0 || bytes[at] > 127)) ? -1 : end,
  print: (bytes, at, end) => bits(bytes, at, end).map(typeText).join(' '),
  scan(words, _, mnemonic) {
    const codes = codesOf(words, mnemonic, 127);
    return codes !== undefined && words.putOctets(bitmap(codes));
  },
};

// The codes of the words left, sorted, each once.
function codesOf(words: Words, mnemonic: string, most: number): number[] | undefined {
  const codes = new Set<number>();
  for (; words.more; words.next()) {
    const code = words.isQuoted ? undefined : typeCode(words.word);
    if (code === undefined || code === 0 || code > most) {
      words.fail('type', `${show(words.word)} is not a record type that ${mnemonic} can list`);
      return undefined;
    }
    codes.add(code);
  }
  return [...codes].sort((a, b) => a - b);
}

/** The bits of ascending numbers, in as many octets as the last needs. */
export function bitmap(numbers: readonly number[]): Uint8Array {
  const map = new Uint8Array(numbers.length === 0 ? 0 : (numbers[numbers.length - 1] >> 3) + 1);
  for (const n of numbers) map[n >> 3] |= 0x80 >> (n & 7);
  return map;
}

/** The numbers of the bits that are set in bytes[at..end), the first octet's highest bit being 0. */
export function bits(bytes: Uint8Array, at: number, end: number): number[] {
  const found: number[] = [];
  for (let i = at; i < end; i++)
    for (let bit = 0; bit < 8; bit++) if ((bytes[i] & (0x80 >> bit)) !== 0) found.push((i - at) * 8 + bit);
  return found;
}
