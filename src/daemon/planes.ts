// What a director can forward with, by its name in the cluster file: one line for each file of plane/.
import type { Log } from '../kit/log.ts';
import type { DirectorConfig } from '../model/schema.ts';
import type { Plane } from '../model/service.ts';
import { openIpvsPlane } from '../plane/ipvs.ts';
import { openProxyPlane } from '../plane/proxy.ts';
import { openXdpPlane } from '../plane/xdp.ts';

export interface PlaneOptions {
  /** The node's name. */
  node: string;
  director: DirectorConfig;
  /** Where a plane keeps what it wants back after a restart. */
  stateDir: string;
  log: Log;
  /** Called when forwarding ended by itself, with the reason; the plane is starting it again. */
  onFault: (reason: string) => void;
}

const OPEN: Record<DirectorConfig['plane'], (options: PlaneOptions) => Promise<Plane>> = {
  proxy: async ({ log, onFault }) => openProxyPlane({ log, onFault }),
  xdp: ({ director, stateDir, log, onFault }) => openXdpPlane({ director, stateDir, log, onFault }),
  ipvs: async ({ node, director, stateDir, log }) =>
    openIpvsPlane({ node, stateDir, ownAll: director.own_all, drain: director.drain, log }),
};

/** Opens the plane that the node's `director` names. Rejects with GTM_PLANE… and what to do where this host cannot have it. */
export function openPlane(options: PlaneOptions): Promise<Plane> {
  return OPEN[options.director.plane](options);
}
