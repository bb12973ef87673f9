// Sends a datagram to a VIP in every wrapping to a real server, as a director would.
//   decap-child.js SERVER4 SERVER6 VIP4 VIP6 FROM4 FROM6
import { openLibc } from '../../src/nic/libc.ts';
import { sockaddr } from '../../src/nic/sockaddr.ts';
import { udp } from '../lvs/build.ts';

const [server4, server6, vip4, vip6, from4, from6] = process.argv.slice(2);
const libc = await openLibc();
const [DGRAM, RAW] = [2, 3];

function send(to: string, type: number, protocol: number, bytes: Uint8Array): void {
  const fd = libc.socket(to.includes(':') ? 10 : 2, type, protocol);
  libc.connect(fd, sockaddr(to, type === RAW ? 0 : 6080));
  const held = bytes.slice();
  if (libc.write(fd, libc.address(held.buffer), held.length) < 0) throw new Error(`errno ${libc.errno()}`);
  libc.close(fd);
}

const text = (name: string) => new TextEncoder().encode(name);
const inner = (name: string, vip = vip4, from = from4) =>
  udp({ from: `${from}:5000`, to: `${vip}:9999`, payload: text(name) });
const inner6 = (name: string) => inner(name, `[${vip6}]`, `[${from6}]`);
const behind = (head: readonly number[], packet: Uint8Array) => Uint8Array.from([...head, ...packet]);

send(server4, RAW, 4, inner('ipip '));
send(server4, RAW, 41, inner6('6in4 '));
send(server6, RAW, 4, inner('4in6 '));
send(server6, RAW, 41, inner6('6in6 '));
send(server4, RAW, 47, behind([0, 0, 8, 0], inner('gre ')));
send(server6, RAW, 47, behind([0x20, 0, 0x86, 0xdd, 0, 0, 0, 7], inner6('gre-key ')));
send(server4, DGRAM, 0, behind([0, 4, 0, 0], inner('gue ')));
send(server6, DGRAM, 0, behind([1, 41, 0, 0, 9, 9, 9, 9], inner6('gue-fields ')));
// Nothing of these may arrive: for somebody else, control, cut off.
send(server4, RAW, 4, inner('other ', server4));
send(server4, DGRAM, 0, behind([0x20, 4, 0, 0], inner('control ')));
send(server4, DGRAM, 0, behind([0, 4, 0, 0], inner('cut-off ')).subarray(0, 36));
send(server4, RAW, 4, inner('last '));
