// The pages on DR, NAT and TUN, typed into hosts of the kernel under test, with plane: ipvs.
import { type PageName, playPage } from '../lab/pages.ts';

// The kernel has no FullNAT: that page is played with plane: xdp (npm run lab).
const PAGE_NAMES: readonly PageName[] = ['dr.md', 'nat.md', 'tun.md'];

export const PAGES: Record<string, () => Promise<string>> = Object.fromEntries(
  PAGE_NAMES.map(name => [
    `docs/${name} does what it says`,
    () => playPage(name, { plane: 'ipvs', decap: false }),
  ]),
);
