// The kernel's links, addresses, routes and neighbours: listed, changed, and heard of when they change.
//   openRtnetlink → links · addresses · routes · neighbours · addAddress … manage     (each waits for the kernel's answer)
//   watchRtnetlink → changes(), to be called now and then: it does not wait
import { AF } from './layout.ts';
import type { Libc } from './libc.ts';
import { errnoName, NETLINK, type Netlink, openNetlink } from './netlink.ts';
import { Attributes, type Message, NLM, Request } from './netlink-message.ts';
import {
  type Address,
  BODY,
  type Change,
  formatPrefix,
  IFA,
  IFLA,
  type Link,
  NDA,
  type Neighbour,
  NTF_EXT_MANAGED,
  NUD,
  type RouteEntry,
  RTA,
  RTM,
  RULE,
  readAddress,
  readChange,
  readLink,
  readNeighbour,
  readRoute,
  TABLE,
} from './rtnetlink-read.ts';

const GROUP = { LINK: 1, NEIGH: 3, IPV4_IFADDR: 5, IPV4_ROUTE: 7, IPV6_IFADDR: 9, IPV6_ROUTE: 11 } as const;
/** A change of many routes or neighbours at once is to fit; what does not is asked for anew. */
const HEARD = 4 << 20;
const RTM_F_FIB_MATCH = 0x2000;
const IFA_F_NODAD = 0x02;
const NTF_USE = 1;
/** ifa_cacheinfo: preferred for 0 s, valid for ever. */
const NEVER_PREFERRED = new Uint8Array(16).fill(0xff, 4, 8);

/** Opens the socket for questions and commands. Throws GTM_SYSCALL. */
export function openRtnetlink(libc: Libc): Rtnetlink {
  return new Rtnetlink(openNetlink(libc, NETLINK.ROUTE));
}

export class Rtnetlink {
  readonly #netlink: Netlink;
  #managing = true;

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  links(): Link[] {
    return known(this.#dump('links', RTM.link.get, BODY.link), readLink);
  }

  addresses(): Address[] {
    return known(this.#dump('addresses', RTM.address.get, BODY.address), readAddress);
  }

  /** Every table's, both families'. */
  routes(): RouteEntry[] {
    return known(this.#dump('routes', RTM.route.get, BODY.route), readRoute);
  }

  neighbours(): Neighbour[] {
    return known(this.#dump('neighbours', RTM.neighbour.get, BODY.neighbour), readNeighbour);
  }

  /** How many rules of policy routing there are beside the kernel's own: local, main, default, and that of VRFs. */
  foreignRules(): number {
    const messages = this.#dump('rules', RTM.rule.get, BODY.rule);
    return messages.filter(({ body }) => {
      const a = new Attributes(body, BODY.rule);
      const table = a.u32(RULE.TABLE) ?? body[4];
      const plain = body[1] === 0 && body[2] === 0 && !a.has(RULE.FWMARK);
      const own = table === TABLE.LOCAL || table === TABLE.MAIN || table === TABLE.DEFAULT;
      return !(plain && (own || a.has(RULE.L3MDEV)));
    }).length;
  }

  /** The route that the kernel takes to an address (4 or 16 octets), as its table has it; undefined = none. */
  routeTo(address: Uint8Array): RouteEntry | undefined {
    const request = new Request(RTM.route.get)
      .raw([afOf(address), address.length * 8, 0, 0, 0, 0, 0, 0])
      .rawU32(RTM_F_FIB_MATCH)
      .bytes(RTA.DST, address);
    try {
      const [reply] = this.#netlink.request(`route to ${formatPrefix(address, address.length * 8)}`, request);
      return reply && readRoute(reply);
    } catch (e) {
      if (['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL'].includes(errnoName(e) ?? '')) return undefined;
      throw e;
    }
  }

  /**
   * Puts an address on a link; false when it stands there already. Without waiting for duplicates to speak up; IPv6 so
   * that the host does not speak from it by itself. `origin` is kept with it (Linux 5.18).
   */
  addAddress(iface: number, address: Uint8Array, bits: number, origin = 0): boolean {
    const request = this.#address(RTM.address.new, NLM.CREATE | NLM.EXCL, iface, address, bits);
    if (origin !== 0) request.u8(IFA.PROTO, origin);
    if (address.length === 16) request.bytes(IFA.CACHEINFO, NEVER_PREFERRED);
    try {
      this.#netlink.request(`address ${formatPrefix(address, bits)}`, request);
      return true;
    } catch (e) {
      if (errnoName(e) === 'EEXIST') return false;
      throw e;
    }
  }

  /** Takes it away; false when it does not stand there. */
  removeAddress(iface: number, address: Uint8Array, bits: number): boolean {
    try {
      const request = this.#address(RTM.address.del, 0, iface, address, bits);
      this.#netlink.request(`address ${formatPrefix(address, bits)}`, request);
      return true;
    } catch (e) {
      if (['EADDRNOTAVAIL', 'ENODEV'].includes(errnoName(e) ?? '')) return false;
      throw e;
    }
  }

  /**
   * Has the kernel find out a neighbour and keep it found (Linux 5.16; before that it is found out once a call).
   * Not for one that is set by hand: it would not be permanent any more.
   */
  manage(iface: number, address: Uint8Array): void {
    const what = `neighbour ${formatPrefix(address, address.length * 8)}`;
    if (this.#managing)
      try {
        const request = this.#neighbour(iface, address, NUD.NONE, 0);
        this.#netlink.request(what, request.u32(NDA.FLAGS_EXT, NTF_EXT_MANAGED));
        return;
      } catch (e) {
        if (errnoName(e) !== 'EINVAL' && errnoName(e) !== 'EOPNOTSUPP') throw e;
        this.#managing = false;
      }
    this.#netlink.request(what, this.#neighbour(iface, address, NUD.NONE, NTF_USE));
  }

  /** Forgets a neighbour, and no longer keeps it found. */
  forget(iface: number, address: Uint8Array): void {
    const request = new Request(RTM.neighbour.del)
      .raw([afOf(address), 0, 0, 0])
      .rawU32(iface)
      .raw([0, 0, 0, 0])
      .bytes(NDA.DST, address);
    try {
      this.#netlink.request(`neighbour ${formatPrefix(address, address.length * 8)}`, request);
    } catch (e) {
      if (!['ENOENT', 'ENODEV'].includes(errnoName(e) ?? '')) throw e;
    }
  }

  /** The link of that name. */
  link(name: string): Link | undefined {
    try {
      const request = new Request(RTM.link.get).raw(new Uint8Array(BODY.link)).text(IFLA.IFNAME, name);
      const [reply] = this.#netlink.request(`link ${name}`, request);
      return reply && readLink(reply);
    } catch (e) {
      if (errnoName(e) === 'ENODEV') return undefined;
      throw e;
    }
  }

  close(): void {
    this.#netlink.close();
  }

  #dump(what: string, type: number, header: number): Message[] {
    return this.#netlink.dump(what, () => new Request(type).raw(new Uint8Array(header)));
  }

  #address(type: number, flags: number, iface: number, address: Uint8Array, bits: number): Request {
    return new Request(type, flags)
      .raw([afOf(address), bits, address.length === 16 ? IFA_F_NODAD : 0, 0])
      .rawU32(iface)
      .bytes(IFA.LOCAL, address)
      .bytes(IFA.ADDRESS, address);
  }

  #neighbour(iface: number, address: Uint8Array, state: number, flags: number): Request {
    return new Request(RTM.neighbour.new, NLM.CREATE | NLM.REPLACE)
      .raw([afOf(address), 0, 0, 0])
      .rawU32(iface)
      .rawU16(state)
      .raw([flags, 0])
      .bytes(NDA.DST, address);
  }
}

/** What changed since the last call; `lost`: more than the kernel kept for us, so everything is to be listed anew. */
export interface Changes {
  changes: Change[];
  lost: boolean;
}

/** Hears of every change of links, addresses, routes and neighbours from now on. Throws GTM_SYSCALL. */
export function watchRtnetlink(libc: Libc): { changes(): Changes; close(): void } {
  const netlink = openNetlink(libc, NETLINK.ROUTE, { receiveBuffer: HEARD });
  try {
    for (const group of Object.values(GROUP)) netlink.join(group);
  } catch (e) {
    netlink.close();
    throw e;
  }
  return {
    changes: () => {
      const { messages, lost } = netlink.receive();
      return { changes: known(messages, readChange), lost };
    },
    close: () => netlink.close(),
  };
}

function known<T>(messages: readonly Message[], read: (m: Message) => T | undefined): T[] {
  return messages.map(read).filter(entry => entry !== undefined);
}

function afOf(address: Uint8Array): number {
  return address.length === 16 ? AF.INET6 : AF.INET;
}
