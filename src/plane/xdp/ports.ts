// The interfaces that a director works on, and how the XDP program is attached to each.
import { GtmError } from '../../kit/errors.ts';
import type { DirectorConfig } from '../../model/schema.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { QUEUES } from '../../nic/alive.ts';
import type { Attach } from '../../nic/bpf.ts';
import { queuesOf } from '../../nic/channels.ts';
import type { Libc } from '../../nic/libc.ts';
import type { Rtnetlink } from '../../nic/rtnetlink.ts';
import { INTERFACES } from '../../nic/steer.ts';
import { interfacesOf } from './interfaces.ts';
import type { PortStart } from './wires.ts';

export interface Port extends PortStart {
  mac: Uint8Array;
  /** veth, vlan, bridge …; empty for hardware. */
  kind: string;
  /** How a program is attached already. */
  present: Attach | undefined;
}

/** Those that are named, or else those that lead to the services. Throws GTM_PLANE with what is amiss. */
export function portsOf(
  libc: Libc,
  rt: Rtnetlink,
  { interfaces }: DirectorConfig,
  services: readonly ServiceSpec[],
): Port[] {
  const links = rt.links();
  const names =
    interfaces.length > 0 ? interfaces : interfacesOf(services, links, rt.addresses(), rt.routes());
  if (names.length === 0)
    throw new GtmError('GTM_PLANE', 'no interface leads to the services: name them in director.interfaces');
  if (names.length > INTERFACES)
    throw new GtmError(
      'GTM_PLANE',
      `${names.length} interfaces are more than the ${INTERFACES} that there is room for`,
    );
  return names.map(name => {
    const link = links.find(l => l.name === name);
    if (link === undefined)
      throw new GtmError('GTM_PLANE', `interface ${name}: there is none of that name on this host`);
    const { index, mtu, mac, kind, xdp } = link;
    if (mac?.length !== 6) throw new GtmError('GTM_PLANE', `interface ${name}: it is no Ethernet link`);
    return { name, index, mtu, queues: Math.min(QUEUES, queuesOf(libc, name)), mac, kind, present: xdp };
  });
}

/**
 * How the program is to be attached: as `attach` says; where that is auto, by the better way of a veth. For a native program veth
 * (veth_xdp_rcv_skb) copies each packet that a stack sent into a page of its own, which is given back to the system when the socket has
 * its copy; generic XDP copies it into pages that it uses again. But it does not know which of several queues a packet came by.
 */
export function attachOf({ kind, queues }: Port, attach: 'auto' | Attach): 'auto' | Attach {
  if (attach !== 'auto' || kind !== 'veth') return attach;
  return queues === 1 ? 'generic' : 'native';
}
