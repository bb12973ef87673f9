// What a host must be set to so that packets reach IPVS and come out again; IPVS itself says nothing when they do not.
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import type { ServiceSpec } from '../../model/service.ts';

/** A line for each thing that is missing, with its remedy. */
export async function hostFaults(services: readonly ServiceSpec[]): Promise<string[]> {
  const told: string[] = [];
  for (const vip of new Set(services.map(s => s.address)))
    if (!(await isLocal(vip)))
      told.push(
        `VIP ${vip} is no address of this host, so its packets do not reach IPVS: ip address add ${vip}/${vip.includes(':') ? 128 : 32} dev lo`,
      );
  const families = new Set(
    services.filter(s => s.forward === 'nat').map(s => (s.address.includes(':') ? 6 : 4)),
  );
  for (const family of families) {
    const key = family === 6 ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
    if (sysctl(key) === '0')
      told.push(`${key} is 0, so answers of real servers in forward: nat end here: sysctl -w ${key}=1`);
  }
  return told;
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
    return readFileSync(`/proc/sys/${key.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
