// Lists of address prefixes (RFC 3123): `1:192.0.2.0/24 !2:2001:db8::/32`. On the wire each is a family, a prefix length,
// the negation with the octets that follow, and the address without the zeros at its end.
import { formatIp, parseIp } from '../../kit/ip.ts';
import { show } from '../zonefile/faults.ts';
import type { Kind } from './kind.ts';

/** Octets of an address by its family. */
const SIZE: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

export const apl: Kind = {
  end(bytes, start, end) {
    for (let at = start; at < end; ) {
      const size = at + 4 <= end && bytes[at] === 0 ? SIZE[bytes[at + 1]] : undefined;
      if (size === undefined || bytes[at + 2] > size * 8) return -1;
      const length = bytes[at + 3] & 0x7f;
      if (length > size || at + 4 + length > end || (length > 0 && bytes[at + 3 + length] === 0)) return -1;
      at += 4 + length;
    }
    return end;
  },
  print(bytes, start, end) {
    const items: string[] = [];
    for (let at = start; at < end; ) {
      const length = bytes[at + 3] & 0x7f;
      const address = new Uint8Array(SIZE[bytes[at + 1]]);
      address.set(bytes.subarray(at + 4, at + 4 + length));
      const not = bytes[at + 3] > 0x7f ? '!' : '';
      items.push(`${not}${bytes[at + 1]}:${formatIp(address)}/${bytes[at + 2]}`);
      at += 4 + length;
    }
    return items.join(' ');
  },
  scan(words) {
    for (; words.more; words.next()) {
      const m = /^(!?)(\d):([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(words.word);
      const size = m === null || words.isQuoted ? undefined : SIZE[Number(m[2])];
      const address = m === null ? undefined : parseIp(m[3]);
      if (m === null || size === undefined || address?.length !== size || Number(m[4]) > size * 8)
        return words.fail(
          'prefix',
          `${show(words.word)} is no prefix: [!]1:IPv4/LENGTH (0 to 32) or [!]2:IPv6/LENGTH (0 to 128)`,
        );
      let length = size;
      while (length > 0 && address[length - 1] === 0) length--;
      words.put(Number(m[2]), 2);
      words.put(Number(m[4]), 1);
      words.put(length | (m[1] === '!' ? 0x80 : 0), 1);
      if (!words.putOctets(address.subarray(0, length))) return false;
    }
    return true;
  },
};
