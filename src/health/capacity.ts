// What a node's own probes say of a VIP. A director: which part of its configured weight is healthy. Any other node:
// whether the VIP answers where it stands.
import type { Sight } from '../model/records.ts';
import type { VipConfig } from '../model/schema.ts';
import { NO_CHANGE_KNOWN } from '../model/state.ts';
import { percentText } from './text.ts';
import { earliestChange, type Pace, type RiseFall } from './verdict.ts';

/** A director's view of a VIP that it forwards. */
export interface Capacity {
  /** Weight of the healthy real servers over the configured weight, 0 to 1: the least of the VIP's services. */
  capacity: number;
  /** Whether every checked real server has had its first result, once. Before, nothing is said of the VIP. */
  known: boolean;
  /** Real servers that are healthy, and all, in the service with the least capacity. */
  healthy: number;
  total: number;
  /** Whole seconds to the soonest change of any of them. */
  seconds: number;
  /** Services (`tcp port 80`) that fell below their low watermark and have not reached the high one since: the capacity is 0. */
  withdrawn?: readonly string[];
}

/** The verdict on real server `server` of service `service` (positions in the cluster file); undefined: not probed yet. */
export type ServerVerdict = (service: number, server: number) => RiseFall | undefined;

/**
 * The capacity of a VIP from the verdicts on its real servers. A server without a check counts as healthy, one without a
 * first result as not healthy. `before`: the last capacity of this VIP. Once known it stays so, and a server that a reload
 * adds does not silence the VIP for the time of its first probe; and a service that is withdrawn needs its high watermark.
 * `apart`: the VIP's families where the plane leads each to the servers of its own alone; then the least of them counts.
 */
export function vipCapacity(
  vip: Pick<VipConfig, 'services'>,
  verdictOf: ServerVerdict,
  before?: Pick<Capacity, 'known' | 'withdrawn'>,
  apart: readonly (4 | 6)[] = [],
): Capacity {
  const all: Capacity = { capacity: 1, known: true, healthy: 0, total: 0, seconds: NO_CHANGE_KNOWN };
  const parts = vip.services.map((service, s) => {
    const { check } = service;
    // Servers of one family, or all of them.
    const part = (family: 4 | 6 | undefined): number => {
      let [configured, weight, healthy, total] = [0, 0, 0, 0];
      service.real_servers.forEach((server, r) => {
        if (family !== undefined && server.address.includes(':') !== (family === 6)) return;
        const v = check === undefined ? undefined : verdictOf(s, r);
        total++;
        configured += server.weight;
        if (check !== undefined) {
          if (v === undefined || v.state === 'unknown') all.known = before?.known === true;
          all.seconds = Math.min(all.seconds, v === undefined ? 0 : earliestChange(v, check));
          if (v?.state !== 'up') return;
        }
        healthy++;
        weight += server.weight;
      });
      // All weights 0: nothing would be forwarded, so there is no capacity.
      const capacity = configured > 0 ? weight / configured : 0;
      if (capacity < all.capacity || all.total === 0) Object.assign(all, { capacity, healthy, total });
      return capacity;
    };
    return apart.length === 0 || service.forward === 'tun' ? part(undefined) : Math.min(...apart.map(part));
  });
  const withdrawn = vip.services.flatMap((service, s) => {
    const { watermarks } = service;
    if (watermarks === undefined || !all.known) return [];
    const out = before?.withdrawn?.includes(nameOf(service)) === true;
    return parts[s] < (out ? watermarks.high : watermarks.low) ? [nameOf(service)] : [];
  });
  return withdrawn.length === 0 ? all : { ...all, capacity: 0, withdrawn };
}

/** Why a VIP is withdrawn, in words; undefined: it is not. */
export function withdrawnText(vip: Pick<VipConfig, 'services'>, { withdrawn }: Capacity): string | undefined {
  const service = vip.services.find(s => withdrawn?.includes(nameOf(s)));
  if (service?.watermarks === undefined) return undefined;
  const [low, high] = [service.watermarks.low, service.watermarks.high].map(percentText);
  return `${nameOf(service)} fell below its low watermark of ${low}: out until ${high} is healthy`;
}

function nameOf({ protocol, port }: VipConfig['services'][number]): string {
  return `${protocol} port ${port}`;
}

/** What a node sees of a VIP that it does not forward. */
export interface Seen {
  sight: Sight;
  /** Whole seconds to the soonest change of any of the probes behind it. */
  seconds: number;
}

/** One probe of a VIP from afar: one of its addresses and one of its services. */
export interface SeenProbe {
  address: string;
  pace: Pace;
  verdict: RiseFall | undefined;
}

/**
 * A VIP is up when all its probed services answer on at least one of its addresses (a node without IPv6 is no witness
 * against an IPv6 address); down when no address is so; unknown while an address that could yet be up awaits its first
 * result, and when nothing is probed.
 */
export function vipSight(probes: readonly SeenProbe[]): Seen {
  const byAddress = new Map<string, Sight>();
  let seconds = NO_CHANGE_KNOWN;
  for (const { address, pace, verdict } of probes) {
    const state = verdict?.state ?? 'unknown';
    byAddress.set(address, both(byAddress.get(address) ?? 'up', state));
    seconds = Math.min(seconds, verdict === undefined ? 0 : earliestChange(verdict, pace));
  }
  const sights = [...byAddress.values()];
  if (sights.includes('up')) return { sight: 'up', seconds };
  return { sight: sights.length === 0 || sights.includes('unknown') ? 'unknown' : 'down', seconds };
}

// Two services of one address: one that is down settles it.
function both(a: Sight, b: Sight): Sight {
  if (a === 'down' || b === 'down') return 'down';
  return a === 'unknown' || b === 'unknown' ? 'unknown' : 'up';
}
