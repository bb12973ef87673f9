// Services as the xdp plane gets them, from one line: `tcp 192.0.2.10:80`, a mode, real servers.
import { parseEndpoint } from '../../src/kit/ip.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { plainService } from '../specs.ts';

/** A service with `servers` of weight 1; `options` replace what is usual. */
export function spec(
  key: string,
  forward: ServiceSpec['forward'],
  servers: readonly string[],
  options: Partial<ServiceSpec> = {},
): ServiceSpec {
  const [protocol, at] = key.split(' ') as ['tcp' | 'udp', string];
  const { address, port } = endpoint(at);
  return {
    ...plainService(address, port, protocol),
    key,
    vip: `vip ${address}`,
    scheduler: 'rr',
    forward,
    realServers: servers.map(s => ({ key: s, name: s, ...endpoint(s), weight: 1 })),
    ...options,
  };
}

function endpoint(text: string): { address: string; port: number } {
  const at = text.lastIndexOf(':');
  const address = text.slice(0, at).replace(/[[\]]/g, '');
  return parseEndpoint(text) ?? { address, port: Number(text.slice(at + 1)) };
}
