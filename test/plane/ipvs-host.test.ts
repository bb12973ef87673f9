// What of a host stands in the way of the kernel's IPVS is said with what to do, once; a host that is set up hears nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';

it('VIPs that are missing, forwarding, redirects, and checks that leave from the VIP', () => {
  const child = join(import.meta.dirname, 'ipvs-host-child.js');
  const out = execFileSync('unshare', ['--net', process.execPath, child], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  const redirects =
    'real servers of forward: nat and the way to clients are both on way.1, so this host teaches them a way past itself: sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.way.1.send_redirects=0';
  const missing = (vip: string, add: string) =>
    `VIP ${vip} is no address of this host, so its packets do not reach IPVS: ip address add ${add}`;
  const ends = (key: string) =>
    `${key} is 0, so answers of real servers in forward: nat end here: sysctl -w ${key}=1`;
  assert.deepEqual(JSON.parse(out), {
    bare: [
      missing('192.0.2.1', '192.0.2.1/32 dev LINK'),
      missing('2001:db8::1', '2001:db8::1/128 dev LINK preferred_lft 0'),
      missing('192.0.2.2', '192.0.2.2/32 dev LINK'),
      ends('net.ipv4.ip_forward'),
      ends('net.ipv6.conf.all.forwarding'),
      redirects,
    ],
    again: [],
    loud: [redirects],
    ready: [],
    apart: [],
    own: [
      'checks of 10.3.0.11 leave from the VIP 10.3.0.10, which that server has itself, so no answer comes back: give the link an address before the VIP, and the VIP as 10.3.0.10/32',
    ],
  });
});
