// A pass of the ipvs plane, in parts: from services to what the kernel is to have, from there to commands, from refusals to words.
import { type GtmError, reason } from '../../kit/errors.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { errnoName } from '../../nic/netlink.ts';
import type { Memory } from './ledger.ts';
import { type Command, type Plan, reconcile } from './reconcile.ts';
import { type Entry, type Found, wantedOf } from './table.ts';

/** Why a service does not forward, by its key. */
export interface Fault {
  key: string;
  fault: string;
}

/** Of services with the same protocol, address and port the first counts. */
export function translate(services: readonly ServiceSpec[]) {
  const wanted = new Map<string, Entry>();
  const faults: Fault[] = [];
  const specs = services.filter(spec => {
    const made = wantedOf(spec);
    const twice = 'service' in made && wanted.has(made.service.key);
    if (twice) faults.push({ key: spec.key, fault: 'this protocol, address and port are given twice' });
    else if ('fault' in made) faults.push({ key: spec.key, fault: made.fault });
    else wanted.set(made.service.key, made);
    return !twice;
  });
  return { wanted, faults, specs };
}

/** What there is to say, for all that is wanted and found or for some of it. */
export function plan(
  wanted: ReadonlyMap<string, Entry>,
  found: ReadonlyMap<string, Found>,
  memory: Memory,
  o: { ownAll: boolean; drain: number },
): Plan {
  const ours = (key: string) => o.ownAll || memory.services.has(key);
  return reconcile(wanted, found, { ours, draining: memory.draining, now: Date.now(), drain: o.drain });
}

/** Those of some services. */
export function pick(
  wanted: ReadonlyMap<string, Entry>,
  which: (key: string) => boolean,
): Map<string, Entry> {
  return new Map([...wanted].filter(([key]) => which(key)));
}

/** The service in a name of `draining`: all but its last word. */
export function serviceOf(key: string): string {
  return key.slice(0, key.lastIndexOf(' '));
}

/** What the kernel's refusal of a command means, and what to do. */
export function explain({ verb, service, dest }: Command, error: GtmError): string {
  const what = dest === undefined ? `${verb} service` : `${verb} ${dest.key}`;
  const errno = errnoName(error);
  if (dest === undefined && errno === 'ENOENT' && 'scheduler' in service)
    return `the kernel has no scheduler «${service.scheduler}»: load its module, modprobe ip_vs_${service.scheduler}`;
  if (dest !== undefined && errno === 'EINVAL' && dest.address.includes(':') !== (service.family === 6))
    return `${what}: the kernel carries one family in the other only while no thread synchronises connections, and from Linux 3.18 on: ipvsadm --stop-daemon master, and backup`;
  if (dest !== undefined && errno === 'EINVAL')
    return `${what}: the kernel takes no address that it has no way to, or that is not one host's: look at ip route get ${dest.address}`;
  return `${what}: ${reason(error)}`;
}
