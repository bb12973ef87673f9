// In a network namespace of its own: what the ipvs plane says of a bare host, and of one that is set up. Prints both as JSON.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { ServiceSpec } from '../../src/model/service.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { hostFaults } from '../../src/plane/ipvs/host.ts';
import { plainServer, plainService } from '../specs.ts';

const ip = (...lines: string[]) => {
  for (const line of lines) execFileSync('ip', line.split(' '));
};
const libc = await openLibc();
const service = (address: string, forward: ServiceSpec['forward'], server: string): ServiceSpec => ({
  ...plainService(address, 80),
  forward,
  realServers: [plainServer(server, 80)],
});
ip('link set lo up', 'link add way.1 type veth peer name far', 'link set way.1 up', 'link set far up');
ip('addr add 10.2.0.1/24 dev way.1', 'addr add fd00:2::1/64 dev way.1 nodad');
ip('route add default via 10.2.0.254', '-6 route add default via fd00:2::fe');

const nat = [
  service('192.0.2.1', 'nat', '10.2.0.11'),
  service('2001:db8::1', 'nat', 'fd00:2::11'),
  service('192.0.2.2', 'dr', '10.2.0.12'),
];
const asked = new Set<string>();
const bare = await hostFaults(nat, asked, libc);
const again = await hostFaults(nat, asked, libc);
for (const path of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'])
  writeFileSync(`/proc/sys/net/${path}`, '1');
ip('addr add 192.0.2.1/32 dev way.1', 'addr add 192.0.2.2/32 dev way.1');
ip('addr add 2001:db8::1/128 dev way.1 nodad preferred_lft 0');
const loud = await hostFaults(nat, new Set(), libc);
for (const device of ['all', 'way.1']) writeFileSync(`/proc/sys/net/ipv4/conf/${device}/send_redirects`, '0');
const ready = await hostFaults(nat, new Set(), libc);
// Real servers on another link than clients' are taught nothing.
writeFileSync('/proc/sys/net/ipv4/conf/all/send_redirects', '1');
ip('addr add 10.3.0.1/24 dev far');
const apart = await hostFaults([service('192.0.2.1', 'nat', '10.3.0.11')], new Set(), libc);
// The only address of a link is the VIP.
ip('addr del 10.3.0.1/24 dev far', 'addr add 10.3.0.10/24 dev far');
const own = await hostFaults([service('10.3.0.10', 'dr', '10.3.0.11')], new Set(), libc);
process.stdout.write(JSON.stringify({ bare, again, loud, ready, apart, own }));
