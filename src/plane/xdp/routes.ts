// The kernel's routes as a worker reads them: a sorted list of the addresses at which the way changes, for each family.
//   two tables in shared memory, written in turn; generation & 1 says which of them counts
// Invariant: find() reads one table as a whole: a generation that moved on while it looked makes it look again.
import type { Route } from '../../lvs/config.ts';

/** Words of control memory that both sides know. */
export const CONTROL = { generation: 0, tick: 1, head: 2, size: 16 } as const;
/** Words of an entry: a way, as Route has it. `hopFamily` 0: the destination itself is the next hop. */
export const ENTRY = { iface: 0, local: 1, mtu: 2, hopFamily: 3, hop: 4, source: 8, size: 12 } as const;
/** Entry 0 leads nowhere. */
export const NOWHERE = 0;

/** Where one table lies, in words: per family a count, then begins (1 or 4 words each) and entries of them. */
export interface RoutesLayout {
  /** Places at which the way may change, for each family; and different ways. */
  places: number;
  ways: number;
}

/** Words of one table. */
export function tableSize({ places, ways }: RoutesLayout): number {
  return 2 + places * (1 + 1) + places * (4 + 1) + ways * ENTRY.size;
}

/** The offsets of table 0 or 1, in words. */
export function tableAt(layout: RoutesLayout, which: number) {
  const count = which * tableSize(layout);
  const begin4 = count + 2;
  const entry4 = begin4 + layout.places;
  const begin6 = entry4 + layout.places;
  const entry6 = begin6 + layout.places * 4;
  return { count, begin4, entry4, begin6, entry6, ways: entry6 + layout.places };
}

/** Addresses compare as signed words once their top bit is turned. */
export const TURN = 0x80000000 | 0;

/** A worker's reader. */
export class RouteReader {
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #tables: readonly ReturnType<typeof tableAt>[];

  constructor(control: Int32Array, words: Int32Array, layout: RoutesLayout) {
    this.#control = control;
    this.#words = words;
    this.#tables = [tableAt(layout, 0), tableAt(layout, 1)];
  }

  /** Asked for in every turn: a plain look, that the next turn makes up for. */
  generation(): number {
    return this.#control[CONTROL.generation];
  }

  /** As Routes.find(). */
  find(family: number, address: Int32Array, route: Route): boolean {
    for (;;) {
      const generation = Atomics.load(this.#control, CONTROL.generation);
      const found = this.#find(this.#tables[generation & 1], family, address, route);
      if (Atomics.load(this.#control, CONTROL.generation) === generation) return found;
    }
  }

  #find(table: ReturnType<typeof tableAt>, family: number, address: Int32Array, route: Route): boolean {
    const words = this.#words;
    const four = family === 4;
    const begin = four ? table.begin4 : table.begin6;
    // The last place at or before the address; the first place is address 0.
    let low = 0;
    let high = words[table.count + (four ? 0 : 1)] - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const after = four
        ? words[begin + middle] > (address[0] ^ TURN)
        : compare6(words, begin + middle * 4, address) > 0;
      if (after) high = middle - 1;
      else low = middle;
    }
    if (high < 0) return false;
    const entry = words[(four ? table.entry4 : table.entry6) + low];
    if (entry === NOWHERE) return false;
    const at = table.ways + entry * ENTRY.size;
    route.iface = words[at + ENTRY.iface];
    route.local = words[at + ENTRY.local] === 1;
    route.mtu = words[at + ENTRY.mtu];
    const hopFamily = words[at + ENTRY.hopFamily];
    route.hopFamily = hopFamily === 0 ? family : hopFamily;
    for (let i = 0; i < 4; i++) {
      route.hop[i] = hopFamily === 0 ? address[i] : words[at + ENTRY.hop + i];
      route.source[i] = words[at + ENTRY.source + i];
    }
    return true;
  }
}

function compare6(words: Int32Array, at: number, address: Int32Array): number {
  for (let i = 0; i < 4; i++) {
    const a = words[at + i];
    const b = address[i] ^ TURN;
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}
