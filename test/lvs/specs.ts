// Services as a plane gets them, for tests: one at a time, said by what differs from the plain one.
import { parseEndpoint } from '../../src/kit/ip.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { plainServer, plainService } from '../specs.ts';

/** A service at `vip` whose servers are `ADDRESS:PORT` or `ADDRESS:PORT weight`. */
export function spec(
  vip: string,
  servers: readonly string[],
  other: Partial<Omit<ServiceSpec, 'realServers'>> = {},
): ServiceSpec {
  const { address, port } = parseEndpoint(vip) ?? { address: vip, port: 0 };
  return {
    ...plainService(address, port, other.protocol),
    scheduler: 'rr',
    ...other,
    realServers: servers.map(text => {
      const [key, weight = '1'] = text.split(' ');
      const at = parseEndpoint(key) ?? { address: key, port: 0 };
      return { ...plainServer(at.address, at.port, Number(weight)), key, name: key };
    }),
  };
}
