// A worker's side of the kernel's ways, in memory that routes-watch.ts writes.
import type { Route } from '../../lvs/config.ts';
import { type HopMemory, HopReader } from './neighbours.ts';
import { RouteReader, type RoutesLayout } from './routes.ts';
import type { Ways, WaysShared } from './ways.ts';

export interface KernelShared extends WaysShared {
  kind: 'kernel';
  control: Int32Array;
  routes: Int32Array;
  layout: RoutesLayout;
  hops: HopMemory;
}

/** Reads what openWays shares. */
export function readWays(shared: WaysShared): Ways {
  const { control, routes, layout, hops } = shared as KernelShared;
  const routeReader = new RouteReader(control, routes, layout);
  const hopReader = new HopReader(hops);
  return {
    headers: hopReader.headers,
    ports: hopReader.ports,
    find: (family: number, address: Int32Array, route: Route) => routeReader.find(family, address, route),
    hop: (iface, family, address) => hopReader.hop(iface, family, address),
    slotOf: route => hopReader.slotOf(route),
    generation: () => routeReader.generation(),
  };
}
