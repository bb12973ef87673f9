// The offloads of a link, by ethtool's generic netlink (Documentation/networking/ethtool-netlink.rst; Linux 5.6).
import { findFamily, genlRequest, openGenl, readGenl } from './genl.ts';
import type { Libc } from './libc.ts';

const FEATURES_GET = 11;
const ATTR = { HEADER: 1, ACTIVE: 4 } as const;
const DEV_INDEX = 1;
const BITSET = { BITS: 3 } as const;
const BIT = { NAME: 2 } as const;

/**
 * The names of the features that are on (`tx-checksum-ip-generic`, `rx-lro` …), by the index of each link; undefined where
 * the kernel does not tell. Throws GTM_SYSCALL.
 */
export function activeFeatures(
  libc: Libc,
  indices: readonly number[],
): Map<number, ReadonlySet<string>> | undefined {
  const genl = openGenl(libc);
  try {
    const family = findFamily(genl, 'ethtool');
    if (family === undefined) return undefined;
    const results = genl.batch(
      'offloads',
      indices.map(index => genlRequest(family, FEATURES_GET).nest(ATTR.HEADER, h => h.u32(DEV_INDEX, index))),
    );
    const found = new Map<number, ReadonlySet<string>>();
    results.forEach((result, i) => {
      if (!Array.isArray(result) || result.length === 0) return;
      const bits = readGenl(result[0]).attributes.nested(ATTR.ACTIVE)?.nested(BITSET.BITS);
      const names = bits?.each().map(bit => bit.text(BIT.NAME) ?? '');
      if (names !== undefined) found.set(indices[i], new Set(names));
    });
    return found;
  } finally {
    genl.close();
  }
}
