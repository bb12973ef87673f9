// What a director can forward with, by its name in the cluster file: one line for each file of plane/.
import { existsSync } from 'node:fs';
import type { Log } from '../kit/log.ts';
import type { DirectorConfig } from '../model/schema.ts';
import type { Plane } from '../model/service.ts';
import type { Ahead } from '../plane/xdp/ahead.ts';
import { PINS } from '../plane/xdp/pin-folder.ts';
import type { Loaded } from './loader.ts';
import { markOf } from './run-mark.ts';

export interface PlaneOptions {
  /** The node's. */
  name: string;
  director: DirectorConfig;
  /** Where a plane keeps what it wants back after a restart. */
  stateDir: string;
  log: Log;
  /** What stands ready of the plane that a restart goes on with. */
  ahead?: Ahead;
  /** The files that the node runs on now. */
  loaded: () => Loaded;
  /** Called when forwarding ended by itself, with the reason; the plane is starting it again. */
  onFault: (reason: string) => void;
}

const OPEN: Record<DirectorConfig['plane'], (options: PlaneOptions) => Promise<Plane>> = {
  proxy: async ({ log, onFault }) => (await import('../plane/proxy.ts')).openProxyPlane({ log, onFault }),
  xdp: async ({ director, stateDir, log, ahead, onFault, loaded }) => {
    const owner = { log, onFault, mark: () => markOf(loaded()) };
    return (
      (await ahead?.takePlane(director, stateDir, owner)) ??
      (await import('../plane/xdp.ts')).openXdpPlane({
        director,
        stateDir,
        ...owner,
        ...(ahead && { ahead }),
      })
    );
  },
  ipvs: async ({ name, director, stateDir, log }) =>
    (await import('../plane/ipvs.ts')).openIpvsPlane({
      node: name,
      stateDir,
      ownAll: director.own_all,
      drain: director.drain,
      log,
    }),
};

/** Begins, before any file is read, with what takes a restart its time. Undefined: no run before us forwarded here by XDP. */
export async function openAhead(): Promise<Ahead | undefined> {
  // What a first start need not load, it does not.
  if (!existsSync(PINS)) return undefined;
  const ahead = await (await import('../plane/xdp/ahead.ts')).openAhead();
  // Needed as soon as the files are read; what it meets is told then.
  if (ahead !== undefined) import('../plane/xdp.ts').catch(() => {});
  return ahead;
}

/** Opens the plane that the node's `director` names. Rejects with GTM_PLANE… and what to do where this host cannot have it. */
export function openPlane(options: PlaneOptions): Promise<Plane> {
  return OPEN[options.director.plane](options);
}
