// Sends one frame by an interface, as it is: INTERFACE HEX.
import { openLibc } from '../../src/nic/libc.ts';
import { sendFrame } from '../../src/nic/packet.ts';
import { openRtnetlink } from '../../src/nic/rtnetlink.ts';

const [name, hex] = process.argv.slice(2);
const libc = await openLibc();
const rt = openRtnetlink(libc);
const link = rt.link(name);
rt.close();
if (link === undefined) throw new Error(`no interface ${name}`);
sendFrame(libc, link.index, new Uint8Array(Buffer.from(hex, 'hex')));
