// The guard: while the XDP program does not stand, the kernel drops what is a service's instead of answering it with a reset.
//   table inet NAME: «in» at prerouting (services, local addresses of FullNAT) · «out» at forward (answers of NAT servers)
// Invariant: the whole table is replaced at each change; nothing is left of it after remove().
import { parseIp } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import type { Nft, NftSet, NftTable } from '../../nic/nft.ts';

/** Before connection tracking and every rule that people write. */
const RAW = -300;

/** What is to be dropped: packets to (in) or from (out) these. Port 0: every port. */
export interface Guarded {
  direction: 'in' | 'out';
  /** 6 or 17. */
  protocol: number;
  /** 4 or 16 octets. */
  address: Uint8Array;
  port: number;
}

export class Guard {
  readonly #nft: Nft;
  readonly #name: string;
  #last = '';

  constructor(nft: Nft, name: string) {
    this.#nft = nft;
    this.#name = name;
  }

  /** Guards exactly these from now on. GTM_NETLINK. */
  set(guarded: readonly Guarded[]): void {
    const table = guardTable(this.#name, guarded);
    const now = table.sets.map(s => s.elements.map(e => e.join()).join(' ')).join('|');
    if (now === this.#last) return;
    this.#nft.replace(table);
    this.#last = now;
  }

  /** Takes the table away. GTM_NETLINK. */
  remove(): void {
    this.#last = '';
    this.#nft.remove(this.#name);
  }

  close(): void {
    this.#nft.close();
  }
}

/** What the services have guarded: themselves, the answers of NAT servers, and all that comes to FullNAT's local addresses. */
export function guardedOf(services: readonly ServiceSpec[]): Guarded[] {
  return services.flatMap(s => {
    const protocol = s.protocol === 'tcp' ? 6 : 17;
    const one = (direction: 'in' | 'out', text: string, port: number): Guarded[] => {
      const address = parseIp(text);
      return address === undefined ? [] : [{ direction, protocol, address, port }];
    };
    return [
      ...one('in', s.address, s.port),
      ...(s.forward === 'nat' ? s.realServers.flatMap(r => one('out', r.address, r.port)) : []),
      ...(s.forward === 'fullnat' ? s.localAddresses.flatMap(a => one('in', a, 0)) : []),
    ];
  });
}

/** The table that drops these. */
export function guardTable(name: string, guarded: readonly Guarded[]): NftTable {
  const sets: NftSet[] = [];
  for (const direction of ['in', 'out'] as const)
    for (const size of [4, 16])
      for (const port of [true, false]) {
        const keys = guarded
          .filter(g => g.direction === direction && g.address.length === size && g.port > 0 === port)
          .map(g => keyOf(g, port));
        const family = size === 4 ? 4 : 6;
        const head = [`address${family}`, 'protocol'] as const;
        sets.push({
          name: `${direction}${family}${port ? '-port' : ''}`,
          key: port ? [...head, 'port'] : head,
          // An element that stands twice would be refused.
          elements: [...new Map(keys.map(k => [k.join(), k])).values()],
        });
      }
  return {
    name,
    sets,
    chains: [
      { name: 'in', hook: 'prerouting', priority: RAW },
      { name: 'out', hook: 'forward', priority: RAW },
    ],
    drops: sets.map(set => {
      const chain = set.name.startsWith('in') ? 'in' : 'out';
      return { chain, set: set.name, side: chain === 'in' ? 'destination' : 'source' };
    }),
  };
}

function keyOf({ address, protocol, port }: Guarded, withPort: boolean): Uint8Array {
  const key = new Uint8Array(address.length + (withPort ? 8 : 4));
  key.set(address);
  key[address.length] = protocol;
  if (withPort) key.set([port >> 8, port & 255], address.length + 4);
  return key;
}
