// Runs inside a host of the lab: opens the ways as the plane does, reads commands, prints what a worker would see.
//   find ADDRESS · hop ADDRESS · want ADDRESS · state → one line of JSON each
import { createInterface } from 'node:readline';
import { formatIp, parseIp } from '../../src/kit/ip.ts';
import { silent } from '../../src/kit/log.ts';
import { Route } from '../../src/lvs/config.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { openRtnetlink } from '../../src/nic/rtnetlink.ts';
import { formatMac } from '../../src/nic/rtnetlink-read.ts';
import { wordsOf } from '../../src/plane/xdp/routes-build.ts';
import { readWays } from '../../src/plane/xdp/routes-read.ts';
import { openWays } from '../../src/plane/xdp/routes-watch.ts';
import { HEADER } from '../../src/plane/xdp/ways.ts';

const libc = await openLibc();
const source = openWays({ libc, interfaces: process.argv.slice(2), log: silent });
const ways = readWays(source.shared);
const rt = openRtnetlink(libc);
const route = new Route();

function bytesOf(words: Int32Array, family: number): string {
  const bytes = Uint8Array.from(
    { length: family === 4 ? 4 : 16 },
    (_, i) => words[i >> 2] >>> (24 - 8 * (i & 3)),
  );
  return formatIp(bytes, 0, bytes.length);
}

function answer(verb: string, text: string): unknown {
  const address = Int32Array.from(wordsOf(parseIp(text || '0.0.0.0')));
  const family = text.includes(':') ? 6 : 4;
  if (verb === 'want') source.want(text.split(','));
  if (verb === 'state') return { generation: ways.generation(), managed: managed() };
  if (verb === 'find' || verb === 'hop') {
    if (!ways.find(family, address, route)) return null;
    const { iface, local, mtu, hopFamily } = route;
    if (verb === 'find')
      return { local, mtu, hop: bytesOf(route.hop, hopFamily), source: bytesOf(route.source, hopFamily) };
    const slot = ways.hop(iface, hopFamily, route.hop);
    if (slot < 0) return null;
    const header = ways.headers.subarray(slot * HEADER, slot * HEADER + 12);
    return {
      slot,
      to: formatMac(header.subarray(0, 6)),
      from: formatMac(header.subarray(6)),
      port: ways.ports[slot],
    };
  }
  return null;
}

function managed(): string[] {
  return rt
    .neighbours()
    .filter(n => n.managed)
    .map(n => formatIp(n.address, 0, n.address.length));
}

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, text = ''] = line.split(' ');
  if (verb === 'close') {
    source.close();
    console.log(JSON.stringify(managed()));
    break;
  }
  console.log(JSON.stringify(answer(verb, text)));
}
rt.close();
