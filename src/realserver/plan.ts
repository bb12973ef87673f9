// What is wrong on a real server, by its mode, in the order in which it is put right: settings, devices, addresses, routes.
import { GtmError } from '../kit/errors.ts';
import { arp, isSix, redirects, reversePath, vipHere, wayOut } from './rules.ts';
import { homeOf, tunnel } from './tunnel.ts';
import type { Facts, Finding, Route, Step, Wish } from './wish.ts';

/** Throws GTM_REALSERVER when the wish does not fit the host. */
export function plan(wish: Wish, facts: Facts): Finding[] {
  const device = linkOf(wish, facts);
  if (wish.mode === 'dr') return dr(wish, facts, device);
  if (wish.mode === 'tun')
    return [
      ...arp(wish, facts),
      ...tunnel(wish, facts, device),
      ...vipHere(wish, facts, vip => homeOf(wish, facts, device, vip)),
      ...wayOut(wish, facts),
    ];
  if (wish.mode === 'nat') return nat(wish, facts, device);
  return fullnat(wish, facts, device);
}

/** The link that packets come in by. */
export function linkOf(wish: Wish, facts: Facts): string {
  if (wish.interface !== undefined) {
    if (!facts.links.some(l => l.name === wish.interface))
      throw new GtmError(
        'GTM_REALSERVER',
        `there is no link «${wish.interface}»; there are ${facts.links.map(l => l.name).join(', ')}`,
      );
    return wish.interface;
  }
  const own = facts.addresses.find(a => a.address === wish.address)?.device;
  if (own !== undefined) return own;
  const way = wish.directors.map(d => facts.wayTo.get(d)).find(w => w !== undefined);
  const device = way?.device ?? facts.routes.find(r => r.to === 'default')?.device;
  if (device !== undefined) return device;
  const only = facts.links.filter(l => l.broadcast && l.up);
  if (only.length === 1) return only[0].name;
  throw new GtmError(
    'GTM_REALSERVER',
    'which link packets come in by is not to be seen: say --interface NAME',
  );
}

function dr(wish: Wish, facts: Facts, device: string): Finding[] {
  const out = facts.routes.find(r => r.family === 4 && r.to === 'default')?.device;
  const asymmetric = wish.vips.some(v => !isSix(v)) && out !== undefined && out !== device;
  return [
    ...arp(wish, facts),
    ...(asymmetric
      ? reversePath(
          facts,
          device,
          `clients' packets come in by ${device} and the way back to them leaves by ${out}: the kernel drops them as forged`,
        )
      : []),
    ...vipHere(wish, facts),
    ...wayOut(wish, facts),
  ];
}

function nat(wish: Wish, facts: Facts, device: string): Finding[] {
  const found = redirects(wish, facts, device);
  for (const family of new Set(wish.vips.map(v => (isSix(v) ? 6 : 4)))) {
    const director = wish.directors.find(d => isSix(d) === (family === 6));
    if (director === undefined)
      throw new GtmError(
        'GTM_REALSERVER',
        `mode nat: say --director, the director's IPv${family} address on the link of this host: it has to be the gateway`,
      );
    const now = facts.routes.find(r => r.family === family && r.to === 'default');
    if (now?.via === director) continue;
    found.push({
      name: 'default-route',
      level: 'error',
      what:
        now === undefined
          ? `there is no default route for IPv${family}`
          : `the default route goes by ${now.via ?? now.device}, not by the director ${director}`,
      why: 'answers have to come back through the director, which puts the VIP in as their source: past it, clients get them from an address that they never asked, and reset',
      steps: [defaultRoute(family, director, device, now)],
    });
  }
  return [...found, ...unneeded(wish, facts, 'the director puts this host’s own address into each packet')];
}

function fullnat(wish: Wish, facts: Facts, device: string): Finding[] {
  const found: Finding[] = [];
  for (const local of wish.directors) {
    const way = facts.wayTo.get(local);
    if (way === undefined)
      found.push({
        name: 'no-way-to-director',
        level: 'error',
        what: `there is no way to the local address ${local}`,
        why: 'to this host the director is the client: its answers go to that address',
        steps: [],
        remedy: `ip route add ${local} via ROUTER`,
      });
    else if (!isSix(local) && way.device !== device)
      found.push(
        ...reversePath(
          facts,
          device,
          `packets from ${local} come in by ${device} and the way back leaves by ${way.device}: the kernel drops them as forged`,
        ),
      );
  }
  return [...found, ...unneeded(wish, facts, 'packets come with this host’s own address')];
}

function unneeded(wish: Wish, facts: Facts, because: string): Finding[] {
  return wish.vips
    .filter(v => facts.addresses.some(a => a.address === v))
    .map(vip => ({
      name: 'vip-not-wanted',
      level: 'warning' as const,
      what: `${vip} is an address of this host; mode ${wish.mode} needs none: ${because}`,
      why: 'what this host sends to the VIP itself never leaves it, and on a link it may answer ARP for it',
      steps: [],
      remedy: `ip address del ${vip} dev ${facts.addresses.find(a => a.address === vip)?.device}`,
    }));
}

function defaultRoute(family: 4 | 6, director: string, device: string, before: Route | undefined): Step {
  const ip = family === 6 ? ['-6'] : [];
  const metric = before?.metric === undefined ? [] : ['metric', String(before.metric)];
  const words = ['default', 'via', director, 'dev', device, ...metric];
  return {
    do: {
      ip: [...ip, 'route', 'replace', ...words],
    },
    undo:
      before === undefined
        ? [{ ip: [...ip, 'route', 'del', ...words] }]
        : [{ ip: [...ip, 'route', 'replace', ...before.words] }],
  };
}
