// Direct routing (ipvsadm -g): the packet as it is, one hop less, to the server's MAC; the server has the virtual address itself.
import type { Core } from '../core.ts';
import type { Packet } from '../packet/parse.ts';
import type { Dest } from '../service.ts';

/** `p` to `dest`. */
export function dr(core: Core, p: Packet, dest: Dest, why: number): number {
  return core.transmit(p, dest.route, why);
}
