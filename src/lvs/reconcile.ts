// From the services that a plane is given to the director's verbs: only what differs is touched, so connections stay.
//   ServiceSpec[] → wanted keys and options ─┐
//   director.services() → what is there ─────┴→ remove · update · add, services and servers
// Invariant: a second call with the same services changes nothing, and what is not among them goes.
import { GtmError } from '../kit/errors.ts';
import { formatEndpoint, formatIp, parseIp } from '../kit/ip.ts';
import type { RealServerSpec, ServiceSpec } from '../model/service.ts';
import type { DestKey, DestOptions, ServiceKey, ServiceOptions, TunnelOptions } from './config.ts';
import type { DestInfo, Director, ServiceInfo } from './director.ts';

export type Verb = 'add' | 'update' | 'remove';

/** One verb that was done: of a service, or of one of its servers. Keys as in ServiceSpec. */
export interface Change {
  verb: Verb;
  service: string;
  server?: string;
}

export interface Reconciled {
  changes: Change[];
  /** What could not be done: the service's key, and why. All else is done. */
  faults: { key: string; fault: string }[];
}

/** Brings `director` to exactly these services. Never throws GtmError: a service or a server that it will not take is a fault. */
export function reconcile(director: Director, services: readonly ServiceSpec[]): Reconciled {
  const done: Reconciled = { changes: [], faults: [] };
  director.batch(() => reconcileServices(director, services, done));
  return done;
}

function reconcileServices(director: Director, services: readonly ServiceSpec[], done: Reconciled): void {
  const found = new Map(director.services().map(s => [keyOf(s), s]));
  const wanted = new Set(services.map(s => keyOf(s)));
  for (const [key, service] of found)
    if (!wanted.has(key))
      attempt(done, { verb: 'remove', service: key }, () => director.removeService(service));
  for (const spec of services) {
    const key = keyOf(spec);
    const is = found.get(key);
    const service = serviceKeyOf(spec);
    const options = optionsOf(spec);
    if (is === undefined) {
      if (!attempt(done, { verb: 'add', service: key }, () => director.addService(service, options)))
        continue;
    } else if (!same(is.options, options))
      attempt(done, { verb: 'update', service: key }, () => director.updateService(service, options));
    reconcileServers(director, spec, is?.dests ?? [], done);
  }
}

function reconcileServers(
  director: Director,
  spec: ServiceSpec,
  found: readonly DestInfo[],
  done: Reconciled,
): void {
  const key = serviceKeyOf(spec);
  const service = keyOf(spec);
  const there = new Map(found.map(d => [endpointOf(d), d]));
  const wanted = new Set(spec.realServers.map(endpointOf));
  for (const [server, dest] of there)
    if (!wanted.has(server))
      attempt(done, { verb: 'remove', service, server }, () => director.removeDest(key, dest));
  for (const rs of spec.realServers) {
    const server = endpointOf(rs);
    const dest: DestKey = { address: rs.address, port: rs.port };
    const options = destOptionsOf(spec, rs);
    const is = there.get(server);
    if (is === undefined)
      attempt(done, { verb: 'add', service, server }, () => director.addDest(key, dest, options));
    else if (!same(shownOptions(is), options))
      attempt(done, { verb: 'update', service, server }, () => director.updateDest(key, dest, options));
  }
}

/** The director's name of a service. */
export function serviceKeyOf({ protocol, address, port }: ServiceSpec): ServiceKey {
  return { protocol, address, port };
}

/** A service's options in the director's terms. */
export function optionsOf(spec: ServiceSpec): ServiceOptions {
  const { tcp, tcp_fin: tcpFin, udp } = spec.timeouts;
  return {
    scheduler: spec.scheduler,
    flags: [...spec.flags],
    persistence: Math.ceil(spec.persistence / 1000),
    timeouts: { tcp, tcpFin, udp },
    ...(spec.forward === 'fullnat' && {
      localAddresses: [...spec.localAddresses],
      fullnat: { toaKind: spec.toa },
    }),
  };
}

/** A real server's options in the director's terms. */
export function destOptionsOf(spec: ServiceSpec, rs: RealServerSpec): DestOptions {
  const { upper, lower } = spec.thresholds;
  const options: DestOptions = { weight: rs.weight, forward: spec.forward, upper, lower };
  if (spec.forward === 'tun') options.tunnel = tunnelOf(spec);
  return options;
}

function tunnelOf({ tunnel: { type, port, checksum, sourcePrefix } }: ServiceSpec): TunnelOptions {
  return {
    type,
    ...(type === 'gue' && { port }),
    ...(type !== 'ipip' && { csum: checksum }),
    ...(type === 'ipip' && sourcePrefix !== undefined && { sourcePrefix }),
  };
}

function shownOptions({ weight, forward, upper = 0, lower = 0, tunnel }: DestInfo): DestOptions {
  return { weight, forward, upper, lower, ...(tunnel !== undefined && { tunnel }) };
}

// Both sides are made by the functions above, so their keys stand in one order.
function same(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function keyOf({ protocol, address, port }: ServiceSpec | ServiceInfo): string {
  return `${protocol} ${endpointOf({ address, port })}`;
}

function endpointOf({ address, port }: DestKey): string {
  const bytes = parseIp(address);
  return formatEndpoint(bytes === undefined ? address : formatIp(bytes), port);
}

function attempt(done: Reconciled, change: Change, act: () => void): boolean {
  try {
    act();
    done.changes.push(change);
    return true;
  } catch (e) {
    if (!(e instanceof GtmError)) throw e;
    done.faults.push({ key: change.service, fault: e.message });
    return false;
  }
}
