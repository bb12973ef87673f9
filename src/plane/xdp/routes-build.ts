// The kernel's routing tables put into the form that workers read: prefixes become places at which the way changes.
//   local table before main before default, as the kernel's own rules have it; in a table the longest prefix, then the metric
import type { Address, Link, RouteEntry } from '../../nic/rtnetlink-read.ts';
import { RTN, TABLE } from '../../nic/rtnetlink-read.ts';
import { CONTROL, ENTRY, NOWHERE, type RoutesLayout, TURN, tableAt } from './routes.ts';

/** Nearness of a table: higher counts first. */
const RANK: Readonly<Record<number, number>> = { [TABLE.LOCAL]: 3, [TABLE.MAIN]: 2, [TABLE.DEFAULT]: 1 };
/** A link's own MTU may be 65,536 (lo): what an IP packet can be at most. */
const LARGEST = 65_535;
const SCOPE_LINK = 253;
const [DEPRECATED, TENTATIVE] = [0x20, 0x40];

/** What the host knows, as rtnetlink lists it. */
export interface Facts {
  links: ReadonlyMap<number, Link>;
  addresses: readonly Address[];
  routes: readonly RouteEntry[];
}

/** A place at which the way changes: from here on `route` counts (undefined: there is no way). */
interface Place {
  begin: bigint;
  route: RouteEntry | undefined;
}

/** Writes the table that does not count now, and makes it the one that does. False, and nothing changed, when it is too small. */
export function writeRoutes(
  control: Int32Array,
  words: Int32Array,
  layout: RoutesLayout,
  facts: Facts,
  own: ReadonlySet<string> = new Set(),
): boolean {
  const next = (Atomics.load(control, CONTROL.generation) + 1) | 0;
  const table = tableAt(layout, next & 1);
  const four = placesOf(4, facts.routes);
  const six = placesOf(6, facts.routes);
  const entries = new Map<string, number>([['', NOWHERE]]);
  const numbers = [four, six].map(places =>
    places.map(({ route }) => {
      const entry = route && entryOf(route, facts, own);
      const key = entry?.join(' ') ?? '';
      let n = entries.get(key);
      if (n === undefined) {
        n = entries.size;
        entries.set(key, n);
        if (n < layout.ways) words.set(entry as number[], table.ways + n * ENTRY.size);
      }
      return n;
    }),
  );
  if (Math.max(four.length, six.length) > layout.places || entries.size > layout.ways) return false;
  words[table.count] = four.length;
  words[table.count + 1] = six.length;
  for (let i = 0; i < four.length; i++) {
    words[table.begin4 + i] = Number(four[i].begin) ^ TURN;
    words[table.entry4 + i] = numbers[0][i];
  }
  for (let i = 0; i < six.length; i++) {
    for (let w = 0; w < 4; w++)
      words[table.begin6 + i * 4 + w] = Number((six[i].begin >> BigInt(96 - 32 * w)) & 0xffff_ffffn) ^ TURN;
    words[table.entry6 + i] = numbers[1][i];
  }
  Atomics.store(control, CONTROL.generation, next);
  return true;
}

/** The places of one family, in ascending order, the first at 0; neighbours that lead the same way are one. */
export function placesOf(family: number, routes: readonly RouteEntry[]): Place[] {
  const width = family === 4 ? 32 : 128;
  const top = 1n << BigInt(width);
  const all = routes
    .filter(r => r.family === family && RANK[r.table] !== undefined && r.type !== RTN.THROW)
    .map(route => {
      const begin = numberOf(route.prefix);
      return { route, begin, end: begin + (1n << BigInt(width - route.bits)) };
    })
    .sort((a, b) => (a.begin < b.begin ? -1 : a.begin > b.begin ? 1 : a.route.bits - b.route.bits));
  const places: Place[] = [{ begin: 0n, route: undefined }];
  const put = (begin: bigint, route: RouteEntry | undefined) => {
    if (begin >= top) return;
    const last = places[places.length - 1];
    if (last.begin === begin) last.route = route;
    else if (last.route !== route) places.push({ begin, route });
  };
  /** Prefixes around the one at hand, each with what counts inside of it. */
  const around: { end: bigint; best: RouteEntry | undefined }[] = [];
  const leave = (until: bigint) => {
    for (let inner = around.at(-1); inner !== undefined && inner.end <= until; inner = around.at(-1)) {
      around.pop();
      put(inner.end, around.at(-1)?.best);
    }
  };
  for (const { route, begin, end } of all) {
    leave(begin);
    const outer = around.at(-1)?.best;
    const best = outer === undefined || before(route, outer) ? route : outer;
    around.push({ end, best });
    put(begin, best);
  }
  leave(top);
  return places;
}

// Whether a route counts before one of a prefix that is as long or shorter.
function before(a: RouteEntry, b: RouteEntry): boolean {
  if (RANK[a.table] !== RANK[b.table]) return RANK[a.table] > RANK[b.table];
  return a.bits > b.bits || a.priority < b.priority;
}

function entryOf(route: RouteEntry, facts: Facts, own: ReadonlySet<string>): number[] | undefined {
  const { type, way } = route;
  const local = type === RTN.LOCAL || type === RTN.ANYCAST;
  if (way === undefined || !(local || type === RTN.UNICAST)) return undefined;
  const link = facts.links.get(way.iface);
  const mtu = Math.min(route.mtu || link?.mtu || 1500, LARGEST);
  const source = route.source ?? sourceOf(route.family, way.iface, way.gateway, facts.addresses, own);
  const hopFamily = way.gateway === undefined ? 0 : way.gateway.length === 4 ? 4 : 6;
  return [way.iface, local ? 1 : 0, mtu, hopFamily, ...wordsOf(way.gateway), ...wordsOf(source)];
}

/**
 * The address that the host speaks from on a link: of one prefix with the gateway if there is, else the first that is meant
 * to be seen from outside. VIPs (`own`, as octets joined by commas) come last, as they may leave.
 */
function sourceOf(
  family: number,
  iface: number,
  gateway: Uint8Array | undefined,
  addresses: readonly Address[],
  own: ReadonlySet<string>,
): Uint8Array | undefined {
  const rank = (a: Address) =>
    (own.has(a.address.join()) ? 0 : 16) +
    (a.iface === iface ? 8 : 0) +
    (gateway !== undefined && inside(gateway, a) ? 4 : 0) +
    ((a.flags & DEPRECATED) === 0 ? 2 : 0);
  return addresses
    .filter(a => a.family === family && a.scope < SCOPE_LINK && (a.flags & TENTATIVE) === 0)
    .sort((a, b) => rank(b) - rank(a))[0]?.address;
}

function inside(address: Uint8Array, { address: net, bits }: Address): boolean {
  if (address.length !== net.length) return false;
  const shift = BigInt(net.length * 8 - bits);
  return numberOf(address) >> shift === numberOf(net) >> shift;
}

function numberOf(address: Uint8Array): bigint {
  return address.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Four words, IPv4 in the first; zeros for none. */
export function wordsOf(address: Uint8Array | undefined): number[] {
  const words = [0, 0, 0, 0];
  address?.forEach((byte, i) => {
    words[i >> 2] |= byte << (24 - 8 * (i & 3));
  });
  return words;
}
