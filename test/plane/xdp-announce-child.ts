// Runs inside a host of the lab: brings up the VIPs of each line, until it is told to end.
import { createInterface } from 'node:readline';
import { silent } from '../../src/kit/log.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { openRtnetlink } from '../../src/nic/rtnetlink.ts';
import { Announcer } from '../../src/plane/xdp/announce.ts';

const libc = await openLibc();
const rt = openRtnetlink(libc);
const announcer = new Announcer({ libc, rt, interfaces: ['eth0'], log: silent });
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'close') break;
  console.log(JSON.stringify(announcer.set(line.split(' ').filter(v => v !== ''))));
}
announcer.close();
rt.close();
console.log('closed');
