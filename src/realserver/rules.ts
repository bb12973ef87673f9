// The rules that several modes share: ARP, the VIP on lo, the reverse path filter, redirects. Each looks at the facts and
// says what is wrong, why that matters, and the steps that mend it.
import type { Address, Facts, Finding, Link, Step, Wish } from './wish.ts';

/** What the kernel takes: the greater of `all` and the link's. */
export function effective(facts: Facts, device: string, name: string): number {
  const of = (d: string) => Number(facts.sysctl(`net.ipv4.conf.${d}.${name}`) ?? 0);
  return Math.max(of('all'), of(device));
}

/** Sets a value, and knows how to put the old one back. */
export function setting(facts: Facts, key: string, value: string): Step {
  const before = facts.sysctl(key);
  return {
    do: { sysctl: key, value },
    undo: before === undefined ? [] : [{ sysctl: key, value: before }],
  };
}

export function isSix(address: string): boolean {
  return address.includes(':');
}

export function hostBits(address: string): number {
  return isSix(address) ? 128 : 32;
}

/** The links on which others ask for addresses. */
export function askedOn(facts: Facts): Link[] {
  return facts.links.filter(l => l.broadcast && l.name !== 'lo');
}

/** DR and TUN, IPv4: nobody but the director may answer ARP for a VIP. Goes before the VIP comes up. */
export function arp(wish: Wish, facts: Facts): Finding[] {
  const vips = wish.vips.filter(v => !isSix(v));
  if (vips.length === 0) return [];
  const found: Finding[] = [];
  const loud = askedOn(facts).filter(l => ![1, 2, 8].includes(effective(facts, l.name, 'arp_ignore')));
  if (loud.length > 0)
    found.push({
      name: 'vip-answers-arp',
      level: 'error',
      what: `arp_ignore is ${effective(facts, loud[0].name, 'arp_ignore')} on ${names(loud)}: this host answers ARP for ${vips.join(', ')}`,
      why: 'clients or their router then send straight to this real server, past the director, as often as it is the quickest to answer',
      steps: [setting(facts, 'net.ipv4.conf.all.arp_ignore', '1')],
    });
  const telling = askedOn(facts).filter(l => effective(facts, l.name, 'arp_announce') < 2);
  if (telling.length > 0)
    found.push({
      name: 'vip-in-arp-requests',
      level: 'error',
      what: `arp_announce is ${effective(facts, telling[0].name, 'arp_announce')} on ${names(telling)}: ARP requests of this host may come from the VIP`,
      why: 'who hears such a request takes this host for the VIP, and its packets come past the director',
      steps: [setting(facts, 'net.ipv4.conf.all.arp_announce', '2')],
    });
  return found;
}

/**
 * DR and TUN: the VIP is this host's own, as one address, on no link where others ask for it. `home`: where it is put. A
 * tunnel's device needs it: one without an IPv4 address of its own lets nothing through a filter, be it strict or loose.
 */
export function vipHere(wish: Wish, facts: Facts, home: (vip: string) => string = () => 'lo'): Finding[] {
  return wish.vips.flatMap(vip => {
    const bits = hostBits(vip);
    const here = facts.addresses.filter(a => a.address === vip);
    const misplaced = here.flatMap(a => misplacedVip(a, bits, asks(facts, a.device)));
    const device = home(vip);
    const strict = device !== 'lo' && filterOf(facts, device) !== 0;
    const fine = here.some(
      a => a.prefix === bits && !asks(facts, a.device) && (a.device === device || !strict),
    );
    if (fine) return misplaced;
    const words = [`${vip}/${bits}`, 'dev', device];
    const missing: Finding = {
      name: 'vip-missing',
      level: 'error',
      what: `${vip} is not on ${device}`,
      why: here.some(a => a.device === 'lo')
        ? `rp_filter is ${filterOf(facts, device)} there, and drops all that comes out of a device without an address, whatever else is set`
        : `the director leaves the packet's address as it is, so this host drops what is for ${vip}, or forwards it back`,
      steps: [{ do: { ip: ['address', 'add', ...words] }, undo: [{ ip: ['address', 'del', ...words] }] }],
    };
    return [...misplaced, missing];
  });
}

/** The filter of a device; of one that is not there yet, what it will be. */
export function filterOf(facts: Facts, device: string): number {
  return effective(facts, facts.links.some(l => l.name === device) ? device : 'default', 'rp_filter');
}

function asks(facts: Facts, device: string): boolean {
  return askedOn(facts).some(l => l.name === device);
}

function misplacedVip(a: Address, bits: number, asked: boolean): Finding[] {
  const { address: vip, device, prefix } = a;
  if (asked)
    return [
      {
        name: 'vip-answers-arp',
        level: 'error',
        what: `${vip} is an address of ${device}: this host answers ${isSix(vip) ? 'neighbour discovery' : 'ARP'} for it, whatever the settings`,
        why: 'two hosts answer for one address: clients reach this real server past the director, or the director and this host take turns',
        steps: [removal(a)],
      },
    ];
  if (prefix === bits) return [];
  return [
    {
      name: 'vip-prefix',
      level: 'error',
      what: `${vip}/${prefix} is on ${device}: all of that network is taken for this host's own`,
      why: 'nobody in that network is reached from here any more, among them perhaps clients and the director',
      steps: [removal(a)],
    },
  ];
}

/** A strict filter drops what comes in on another link than the answer would leave by. 2 on the link is enough: the greater counts. */
export function reversePath(facts: Facts, device: string, why: string): Finding[] {
  if (effective(facts, device, 'rp_filter') !== 1) return [];
  return [
    {
      name: 'rp-filter',
      level: 'error',
      what: `rp_filter is 1 (strict) on ${device}`,
      why,
      steps: [setting(facts, `net.ipv4.conf.${device}.rp_filter`, '2')],
    },
  ];
}

/** NAT: a redirect would teach this host a way past the director. Of `all` and the link's, one that is set is enough. */
export function redirects(wish: Wish, facts: Facts, device: string): Finding[] {
  const keys = [
    ...(wish.vips.some(v => !isSix(v)) ? ['ipv4'] : []),
    ...(wish.vips.some(isSix) ? ['ipv6'] : []),
  ].flatMap(f => ['all', device].map(d => `net.${f}.conf.${d}.accept_redirects`));
  const open = keys.filter(k => facts.sysctl(k) === '1');
  if (open.length === 0) return [];
  const families = (['ipv4', 'ipv6'] as const).filter(f => open.some(k => k.includes(f)));
  return [
    {
      name: 'redirects',
      level: 'error',
      what: `ICMP redirects are taken: ${open.join(', ')}`,
      why: 'the director, or a router, may tell this host of a shorter way to a client: the answers then go past the director, come from the wrong address, and the client resets',
      // What it was taught before would count for minutes yet.
      steps: [...open.map(k => setting(facts, k, '0')), ...families.map(forgetTaught)],
    },
  ];
}

function forgetTaught(family: 'ipv4' | 'ipv6'): Step {
  return { do: { ip: [family === 'ipv4' ? '-4' : '-6', 'route', 'flush', 'cache'] }, undo: [] };
}

/** DR, TUN and FullNAT: the answers have to have a way. */
export function wayOut(wish: Wish, facts: Facts): Finding[] {
  const families = new Set(wish.vips.map(v => (isSix(v) ? 6 : 4)));
  return [...families]
    .filter(f => !facts.routes.some(r => r.family === f && r.to === 'default'))
    .map(f => ({
      name: 'default-route',
      level: 'error' as const,
      what: `there is no default route for IPv${f}`,
      why: 'answers to clients that are not on a link of this host do not leave it',
      steps: [],
      remedy: `ip ${f === 6 ? '-6 ' : ''}route add default via ROUTER`,
    }));
}

function removal({ address, prefix, device }: Address): Step {
  const words = [`${address}/${prefix}`, 'dev', device];
  return { do: { ip: ['address', 'del', ...words] }, undo: [{ ip: ['address', 'add', ...words] }] };
}

function names(links: readonly Link[]): string {
  return links.map(l => l.name).join(', ');
}
