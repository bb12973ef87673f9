// What a host must be set to so that packets reach IPVS and come out again; IPVS itself says nothing when they do not.
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { parseIp } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import type { Libc } from '../../nic/libc.ts';
import { openRtnetlink } from '../../nic/rtnetlink.ts';

/** A line for each thing that is missing, with its remedy. Services in `asked` were looked at before; new ones are put there. */
export async function hostFaults(
  services: readonly ServiceSpec[],
  asked: Set<string>,
  libc: Libc,
): Promise<string[]> {
  const told: string[] = [];
  const fresh = services.filter(s => !asked.has(s.key));
  for (const s of fresh) asked.add(s.key);
  for (const vip of new Set(fresh.map(s => s.address)))
    if (!(await isLocal(vip)))
      told.push(
        `VIP ${vip} is no address of this host, so its packets do not reach IPVS: ip address add ${vip}/${vip.includes(':') ? '128 dev LINK preferred_lft 0' : '32 dev LINK'}`,
      );
  const families = new Set(
    fresh.filter(s => s.forward === 'nat').map(s => (s.address.includes(':') ? 6 : 4)),
  );
  for (const family of families) {
    const key = family === 6 ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
    if (sysctl(key) === '0')
      told.push(`${key} is 0, so answers of real servers in forward: nat end here: sysctl -w ${key}=1`);
  }
  return [...told, ...redirects(fresh, libc), ...(await ownSources(fresh))];
}

/** Real servers asked for the source address of the way to them; more tell nothing new. */
const MOST = 64;

// NAT over one link: the kernel tells real servers, and rightly, that clients' router is a shorter way. IPv6 has no such switch.
function redirects(services: readonly ServiceSpec[], libc: Libc): string[] {
  const servers = new Set(
    services
      .filter(s => s.forward === 'nat' && !s.address.includes(':'))
      .flatMap(s => s.realServers.map(r => r.address)),
  );
  if (servers.size === 0) return [];
  const rt = openRtnetlink(libc);
  try {
    const out = new Set(
      rt.routes().flatMap(r => (r.family === 4 && r.bits === 0 && r.way !== undefined ? [r.way.iface] : [])),
    );
    const shared = new Set<number>();
    for (const server of [...servers].slice(0, MOST)) {
      const iface = rt.routeTo(parseIp(server) as Uint8Array)?.way?.iface;
      if (iface !== undefined && out.has(iface)) shared.add(iface);
    }
    return rt.links().flatMap(({ index, name }) => {
      const keys = ['all', name].map(d => `net.ipv4.conf.${d}.send_redirects`);
      // One of the two is enough.
      if (!shared.has(index) || keys.every(k => sysctl(k) !== '1')) return [];
      return [
        `real servers of forward: nat and the way to clients are both on ${name}, so this host teaches them a way past itself: sysctl -w ${keys.map(k => `${k}=0`).join(' ')}`,
      ];
    });
  } catch {
    // A hint is nothing to fail over.
    return [];
  } finally {
    rt.close();
  }
}

// DR and TUN: a probe that leaves from the VIP is answered to the real server's own VIP, and never comes back.
async function ownSources(services: readonly ServiceSpec[]): Promise<string[]> {
  const vips = new Set(services.map(s => s.address));
  const servers = new Set(
    services
      .filter(s => s.forward === 'dr' || s.forward === 'tun')
      .flatMap(s => s.realServers.map(r => r.address)),
  );
  const told: string[] = [];
  for (const server of [...servers].slice(0, MOST)) {
    const source = await sourceTo(server);
    if (source !== undefined && vips.has(source))
      told.push(
        `checks of ${server} leave from the VIP ${source}, which that server has itself, so no answer comes back: ${
          source.includes(':')
            ? `ip address change ${source}/128 dev LINK preferred_lft 0`
            : `give the link an address before the VIP, and the VIP as ${source}/32`
        }`,
      );
  }
  return told;
}

function sourceTo(address: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const end = (source?: string) => {
      socket.close();
      resolve(source);
    };
    socket.once('error', () => end());
    // Nothing is sent: the kernel looks up the way.
    socket.connect(9, address, (e?: Error) =>
      end(e === undefined || e === null ? socket.address().address : undefined),
    );
  });
}

// A socket can be bound to what is local: an address, or a route of type local.
function isLocal(address: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', e => {
      socket.close();
      resolve((e as { code?: unknown }).code !== 'EADDRNOTAVAIL');
    });
    socket.bind({ address, port: 0, exclusive: true }, () => {
      socket.close();
      resolve(true);
    });
  });
}

function sysctl(key: string): string | undefined {
  try {
    // A link's name may hold dots.
    const link = /^net\.ipv4\.conf\.(.+)\.send_redirects$/.exec(key)?.[1];
    const path = link === undefined ? key.replaceAll('.', '/') : `net/ipv4/conf/${link}/send_redirects`;
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
