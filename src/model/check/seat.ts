// A service where it stands in the cluster file: what the rules about services are given, one after another.
import type { Finding, Path, Rule, View } from '../finding.ts';
import type { ServiceConfig, VipConfig } from '../schema.ts';

export interface Seat {
  name: string;
  vip: VipConfig;
  service: ServiceConfig;
  path: Path;
  /** For people. */
  title: string;
}

/** A rule about one service, as a rule about all of them. */
export function each(rule: (seat: Seat, view: View) => Iterable<Finding>): Rule {
  return function* (view) {
    for (const [name, vip] of Object.entries(view.config.vips))
      for (const [i, service] of vip.services.entries()) {
        const title = `vips.${name}, ${service.protocol} port ${service.port}`;
        yield* rule({ name, vip, service, path: ['vips', name, 'services', i], title }, view);
      }
  };
}
