// Knocks octet by octet: as the packet core leads clients' packets, and what answers say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagram, type Ends, readAnswer, segment, wrapped } from '../../src/daemon/knock-packet.ts';
import { parseIp } from '../../src/kit/ip.ts';
import { seeded } from '../../src/kit/rng.ts';
import { Director, HEADROOM } from '../../src/lvs/director.ts';
import { answerTo } from '../../src/lvs/simulate/craft.ts';
import { TRANSMIT } from '../../src/lvs/verdict.ts';

const octets = (text: string) => parseIp(text) as Uint8Array;
const ENDS: Record<4 | 6, Ends> = {
  4: {
    source: octets('192.0.2.1'),
    sourcePort: 0xfc01,
    destination: octets('192.0.2.10'),
    destinationPort: 80,
  },
  6: {
    source: octets('2001:db8::1'),
    sourcePort: 0xfc01,
    destination: octets('2001:db8::10'),
    destinationPort: 80,
  },
};
const SERVER = { 4: '203.0.113.11', 6: '2001:db8:b::11' } as const;
const HEADER = { 4: 20, 6: 40 } as const;

/** What the core sends to a server for this packet. */
function led(packet: Uint8Array, ends: Ends, outer: 4 | 6, type: 'ipip' | 'gue' | 'gre', csum: boolean) {
  const routes = { find: () => true };
  const director = new Director({ capacity: 1024, routes, rng: seeded(1) });
  const address = ends.destination.length === 4 ? '192.0.2.10' : '2001:db8::10';
  const key = { protocol: 'tcp', address, port: 80 } as const;
  director.addService(key, { scheduler: 'rr' });
  const tunnel = { type, port: 6080, csum };
  director.addDest(key, { address: SERVER[outer], port: 80 }, { weight: 1, forward: 'tun', tunnel });
  const frame = new Uint8Array(HEADROOM + packet.length);
  frame.set(packet, HEADROOM);
  assert.equal(director.handle(frame, HEADROOM, packet.length, 0), TRANSMIT);
  const { out } = director;
  return out.frame.slice(out.offset, out.offset + out.length);
}

test('in a tunnel it looks as the core makes it', () => {
  for (const inner of [4, 6] as const)
    for (const outer of [4, 6] as const)
      for (const type of ['ipip', 'gre', 'gue'] as const)
        for (const csum of [false, true]) {
          const packet = segment(ENDS[inner], 1);
          const sent = led(packet, ENDS[inner], outer, type, csum);
          // A hop on its way takes one from its TTL.
          const { protocol, payload } = wrapped(type, csum, sent.slice(-packet.length));
          assert.equal(protocol, sent[outer === 4 ? 9 : 6]);
          // The kernel makes the UDP header of GUE.
          const header = HEADER[outer] + (type === 'gue' ? 8 : 0);
          assert.deepEqual([...payload], [...sent.subarray(header)], `${type} ${inner} in ${outer}`);
        }
});

test('a server takes it, and its answer is read', () => {
  for (const family of [4, 6] as const) {
    const ends = ENDS[family];
    const reply = answerTo(segment(ends, 0xffff_ffff)) as Uint8Array;
    const { source, destination, sourcePort, destinationPort } = ends;
    const swapped = {
      source: destination,
      sourcePort: destinationPort,
      destination: source,
      destinationPort: sourcePort,
    };
    assert.deepEqual(readAnswer(reply, reply.length), {
      ...swapped,
      protocol: 'tcp',
      says: 'open',
      acknowledges: 0,
    });
    const back = datagram(swapped, Uint8Array.of(1, 2, 3));
    assert.deepEqual(readAnswer(back, back.length), {
      ...swapped,
      protocol: 'udp',
      says: 'open',
      acknowledges: 0,
    });
    const reset = segment(swapped, 7, true);
    assert.equal(readAnswer(reset, reset.length)?.says, 'else');
    reset[HEADER[family] + 13] |= 16;
    assert.equal(readAnswer(reset, reset.length)?.says, 'refused');
    for (let cut = 0; cut < HEADER[family] + 20; cut++) assert.equal(readAnswer(reset, cut), undefined);
  }
});
