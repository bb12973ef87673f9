// nf_tables over nfnetlink (include/uapi/linux/netfilter/{nfnetlink,nf_tables}.h): a table that is replaced as a whole.
//   sets of concatenated keys · base chains · rules made of expressions, all in one transaction
// Invariant: either the whole new table counts or the old one.
import type { Libc } from './libc.ts';
import { errnoName, NETLINK, type Netlink, openNetlink } from './netlink.ts';
import { NLM, Request } from './netlink-message.ts';

const SUBSYSTEM = 10;
const BATCH = { begin: 16, end: 17 } as const;
const MESSAGE = { newTable: 0, delTable: 2, newChain: 3, newRule: 6, newSet: 9, newElement: 12 } as const;
const INET = 1;
/** Elements that one message carries: far below the 64 KiB that an attribute may have. */
const ELEMENTS = 400;
/** The register of verdicts; and the first of the registers of 4 octets. */
const [VERDICT, FIRST] = [0, 8];
export const HOOK = { prerouting: 0, input: 1, forward: 2 } as const;
const DROP = 0;
const META = { nfproto: 15, l4proto: 16 } as const;
const BASE = { network: 1, transport: 2 } as const;
const EQUAL = 0;

/** The parts of a key, each padded to 4 octets: what they are called and typed for whoever lists the set. */
export type KeyPart = 'address4' | 'address6' | 'protocol' | 'port';
const PART: Record<KeyPart, { type: number; words: number }> = {
  address4: { type: 7, words: 1 },
  address6: { type: 8, words: 4 },
  protocol: { type: 12, words: 1 },
  port: { type: 13, words: 1 },
};

export interface NftSet {
  name: string;
  key: readonly KeyPart[];
  /** Keys, each part padded to 4 octets. */
  elements: readonly Uint8Array[];
}

/** What of a packet is looked up: its sender's side or its receiver's. */
export interface NftRule {
  chain: string;
  set: string;
  side: 'source' | 'destination';
}

export interface NftTable {
  name: string;
  sets: readonly NftSet[];
  chains: readonly { name: string; hook: keyof typeof HOOK; priority: number }[];
  /** Packets whose key is in the set are counted and dropped. */
  drops: readonly NftRule[];
}

/** Opens a socket for nf_tables. Throws GTM_SYSCALL where the kernel has no nfnetlink. */
export function openNft(libc: Libc): Nft {
  return new Nft(openNetlink(libc, NETLINK.NETFILTER));
}

export class Nft {
  readonly #netlink: Netlink;

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  /** Puts a table in place of one of its name. GTM_NETLINK; EOPNOTSUPP or EINVAL: the kernel lacks nf_tables or a part of it. */
  replace(table: NftTable): void {
    this.#commit(`table ${table.name}`, [
      // Added, so that there is one to be deleted.
      message(MESSAGE.newTable, NLM.CREATE).text(1, table.name),
      message(MESSAGE.delTable).text(1, table.name),
      message(MESSAGE.newTable, NLM.CREATE).text(1, table.name),
      ...table.sets.flatMap((set, i) => setMessages(table.name, set, i + 1)),
      ...table.chains.map(({ name, hook, priority }) =>
        message(MESSAGE.newChain, NLM.CREATE)
          .text(1, table.name)
          .text(3, name)
          .nest(4, r => r.be32(1, HOOK[hook]).be32(2, priority))
          .text(7, 'filter'),
      ),
      ...table.drops.map(rule => ruleMessage(table, rule)),
    ]);
  }

  /** Takes a table away; false when there is none. GTM_NETLINK. */
  remove(name: string): boolean {
    try {
      this.#commit(`table ${name}`, [message(MESSAGE.delTable).text(1, name)]);
      return true;
    } catch (e) {
      if (errnoName(e) === 'ENOENT') return false;
      throw e;
    }
  }

  close(): void {
    this.#netlink.close();
  }

  #commit(what: string, messages: readonly Request[]): void {
    const edge = (type: number) => new Request(type).raw([0, 0, 0, SUBSYSTEM]);
    this.#netlink.transaction(what, [edge(BATCH.begin), ...messages, edge(BATCH.end)]);
  }
}

function message(type: number, flags = 0): Request {
  // nfgenmsg: family, version, resource.
  return new Request((SUBSYSTEM << 8) | type, flags | NLM.ACK).raw([INET, 0, 0, 0]);
}

function setMessages(table: string, set: NftSet, id: number): Request[] {
  const length = set.key.reduce((sum, part) => sum + PART[part].words * 4, 0);
  const type = set.key.reduce((sum, part) => (sum << 6) | PART[part].type, 0);
  const messages = [
    message(MESSAGE.newSet, NLM.CREATE)
      .text(1, table)
      .text(2, set.name)
      .be32(3, 0)
      .be32(4, type)
      .be32(5, length)
      .be32(10, id),
  ];
  for (let from = 0; from < set.elements.length; from += ELEMENTS)
    messages.push(
      message(MESSAGE.newElement, NLM.CREATE)
        .text(1, table)
        .text(2, set.name)
        .nest(3, list => {
          for (const key of set.elements.slice(from, from + ELEMENTS))
            list.nest(1, element => element.nest(1, data => data.bytes(1, key)));
        }),
    );
  return messages;
}

function ruleMessage(table: NftTable, rule: NftRule): Request {
  const set = table.sets.find(s => s.name === rule.set) as NftSet;
  const six = set.key.includes('address6');
  return message(MESSAGE.newRule, NLM.CREATE | NLM.APPEND)
    .text(1, table.name)
    .text(2, rule.chain)
    .nest(4, list => {
      const expression = (name: string, fill: (data: Request) => void) =>
        list.nest(1, e => e.text(1, name).nest(2, fill));
      expression('meta', d => d.be32(2, META.nfproto).be32(1, FIRST));
      expression('cmp', d =>
        d
          .be32(1, FIRST)
          .be32(2, EQUAL)
          .nest(3, v => v.bytes(1, Uint8Array.of(six ? 10 : 2))),
      );
      let register = FIRST;
      for (const part of set.key) {
        loadPart(expression, part, rule.side, register);
        register += PART[part].words;
      }
      expression('lookup', d => d.text(1, set.name).be32(2, FIRST));
      expression('counter', () => {});
      expression('immediate', d => d.be32(1, VERDICT).nest(2, data => data.nest(2, v => v.be32(1, DROP))));
    });
}

function loadPart(
  expression: (name: string, fill: (data: Request) => void) => void,
  part: KeyPart,
  side: NftRule['side'],
  register: number,
): void {
  const payload = (base: number, offset: number, length: number) =>
    expression('payload', d => d.be32(1, register).be32(2, base).be32(3, offset).be32(4, length));
  const source = side === 'source';
  if (part === 'protocol') expression('meta', d => d.be32(2, META.l4proto).be32(1, register));
  else if (part === 'port') payload(BASE.transport, source ? 0 : 2, 2);
  else if (part === 'address4') payload(BASE.network, source ? 12 : 16, 4);
  else payload(BASE.network, source ? 8 : 24, 16);
}
