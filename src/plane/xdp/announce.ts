// VIPs brought up on this host, told to the link, and taken down: so that ARP, neighbour discovery and ping find them here.
//   a VIP in the network of one of our links stands on that link and is announced there; any other on lo, for routers to lead here
// Invariant: what we put there carries our mark, so that a later run knows it as ours; what others put there stays.
import { reason } from '../../kit/errors.ts';
import { parseIp } from '../../kit/ip.ts';
import type { Log } from '../../kit/log.ts';
import type { Libc } from '../../nic/libc.ts';
import { announcement, openSender, type Sender } from '../../nic/packet.ts';
import type { Rtnetlink } from '../../nic/rtnetlink.ts';
import { type Address, formatPrefix, IFF, type Link } from '../../nic/rtnetlink-read.ts';

/** Our mark (IFA_PROTO): a number that neither the kernel nor routing daemons use. */
const MARK = 0x53;
/** Milliseconds after which an announcement is said again: one may be lost. */
const AGAIN = [1000, 5000] as const;

interface Place {
  address: Uint8Array;
  iface: number;
  /** Where it is announced; undefined on lo. */
  mac: Uint8Array | undefined;
}

export interface AnnounceOptions {
  libc: Libc;
  rt: Rtnetlink;
  /** The director's interfaces by name. */
  interfaces: readonly string[];
  log: Log;
}

export class Announcer {
  readonly #o: AnnounceOptions;
  /** What we brought up, or found brought up by an earlier run of ours. */
  readonly #up = new Map<string, Place>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Open while there is something to be said. */
  #sender: Sender | undefined;

  constructor(options: AnnounceOptions) {
    this.#o = options;
  }

  /**
   * Brings up exactly these addresses: new ones are announced, those that are no longer among them are taken down.
   * What fails is told by address; the others stand. GTM_NETLINK when the kernel cannot be asked at all.
   */
  set(vips: readonly string[]): { address: string; fault: string }[] {
    const { rt, interfaces } = this.#o;
    const links = rt.links();
    const addresses = rt.addresses();
    const faults: { address: string; fault: string }[] = [];
    const wanted = new Map<string, Place>();
    for (const text of new Set(vips)) {
      const address = parseIp(text);
      if (address === undefined) continue;
      const place = placeOf(address, links, addresses, interfaces);
      if (place !== undefined) wanted.set(address.join(), place);
      else faults.push({ address: text, fault: 'there is no link to bring it up on: lo is missing' });
    }
    for (const { origin, address, iface } of addresses)
      if (origin === MARK && !this.#up.has(address.join()))
        this.#up.set(address.join(), { address, iface, mac: undefined });
    for (const [key, place] of this.#up) if (wanted.get(key)?.iface !== place.iface) this.#down(key, place);
    for (const [key, place] of wanted) {
      const fault = this.#bring(key, place, addresses);
      const text = formatPrefix(place.address, place.address.length * 8).replace(/\/.*/, '');
      if (fault !== undefined) faults.push({ address: text, fault });
    }
    this.#rest();
    return faults;
  }

  /** Says again where the VIPs stand, as after a link came back. */
  announce(): void {
    for (const place of this.#up.values()) this.#say(place);
    this.#rest();
  }

  /** Takes down what we brought up: a clean stop. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#rest();
    for (const [key, place] of this.#up) this.#down(key, place);
  }

  #bring(key: string, place: Place, addresses: readonly Address[]): string | undefined {
    const known = this.#up.get(key);
    try {
      const bits = place.address.length * 8;
      const added = this.#o.rt.addAddress(place.iface, place.address, bits, MARK);
      const foreign = addresses.some(a => a.origin !== MARK && a.address.join() === key);
      // Somebody else's stays when we go; it is announced all the same.
      if (added || !foreign || known !== undefined) this.#up.set(key, place);
      if (added || known?.mac === undefined) this.#sayOften(place);
      return undefined;
    } catch (e) {
      return reason(e);
    }
  }

  #down(key: string, place: Place): void {
    this.#up.delete(key);
    try {
      this.#o.rt.removeAddress(place.iface, place.address, place.address.length * 8);
    } catch (e) {
      this.#o.log.warn({ err: reason(e) }, `vip: not taken down: ${reason(e)}`);
    }
  }

  #sayOften(place: Place): void {
    this.#say(place);
    for (const ms of place.mac === undefined ? [] : AGAIN) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (this.#up.get(place.address.join())?.iface === place.iface) this.#say(place);
        this.#rest();
      }, ms).unref();
      this.#timers.add(timer);
    }
  }

  #say({ address, iface, mac }: Place): void {
    if (mac === undefined) return;
    try {
      this.#sender ??= openSender(this.#o.libc);
      this.#sender.send(iface, announcement(address, mac));
    } catch (e) {
      const text = formatPrefix(address, address.length * 8);
      this.#o.log.warn({ vip: text, err: reason(e) }, `vip ${text}: not announced: ${reason(e)}`);
    }
  }

  #rest(): void {
    if (this.#timers.size > 0) return;
    this.#sender?.close();
    this.#sender = undefined;
  }
}

/** Where a VIP is to stand: on the link of ours whose network it is in, else on lo. */
export function placeOf(
  address: Uint8Array,
  links: readonly Link[],
  addresses: readonly Address[],
  interfaces: readonly string[],
): Place | undefined {
  const ours = links.filter(l => interfaces.includes(l.name) && l.mac !== undefined);
  const on = ours.find(l => addresses.some(a => a.iface === l.index && around(address, a)));
  if (on !== undefined) return { address, iface: on.index, mac: on.mac };
  const lo = links.find(l => (l.flags & IFF.LOOPBACK) !== 0);
  return lo && { address, iface: lo.index, mac: undefined };
}

// Whether an address of a link has the VIP in its network; one of a single address has none.
function around(address: Uint8Array, { address: net, bits }: Address): boolean {
  if (net.length !== address.length || bits >= net.length * 8) return false;
  const differs = address.findIndex((byte, i) => {
    const mask = 0xff & ~(0xff >> Math.max(0, Math.min(8, bits - i * 8)));
    return ((byte ^ net[i]) & mask) !== 0;
  });
  return differs < 0;
}
