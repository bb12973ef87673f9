// IPVS's time-outs: one set for the whole network namespace, where the cluster file has them for each service.
import type { ServiceSpec } from '../../model/service.ts';
import type { Timeouts } from './codec.ts';

/** What to set, if anything, and what an operator should know of it. `shared`: somebody else's services are there, too. */
export function timeoutsOf(
  services: readonly ServiceSpec[],
  now: Timeouts,
  shared: boolean,
): { set?: Timeouts; note?: string } {
  if (services.length === 0) return {};
  const greatest = (of: (s: ServiceSpec) => number) => Math.ceil(Math.max(...services.map(of)) / 1000);
  const wanted: Timeouts = {
    tcp: greatest(s => s.timeouts.tcp),
    tcpFin: greatest(s => s.timeouts.tcp_fin),
    udp: greatest(s => s.timeouts.udp),
  };
  const same = wanted.tcp === now.tcp && wanted.tcpFin === now.tcpFin && wanted.udp === now.udp;
  const differ = services.some(
    s =>
      Math.ceil(s.timeouts.tcp / 1000) !== wanted.tcp ||
      Math.ceil(s.timeouts.tcp_fin / 1000) !== wanted.tcpFin ||
      Math.ceil(s.timeouts.udp / 1000) !== wanted.udp,
  );
  const text = `tcp ${wanted.tcp}s, tcp_fin ${wanted.tcpFin}s, udp ${wanted.udp}s`;
  if (same) return differ ? { note: `the kernel has one set of time-outs: all services get ${text}` } : {};
  if (shared)
    return {
      note: `time-outs stay as they are: services that are not ours have the same ones (ours would be ${text}); director.own_all takes them over`,
    };
  return differ
    ? { set: wanted, note: `the kernel has one set of time-outs: all services get ${text}` }
    : { set: wanted };
}
