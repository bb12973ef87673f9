// Which worker owns a flow: the same for requests, answers, fragments and errors of a client, whoever is asked.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseIp } from '../../src/kit/ip.ts';
import { localsOf, Owners } from '../../src/plane/xdp/owner.ts';
import { cut, icmp, ip, tcp, udp } from '../lvs/build.ts';
import { spec } from './xdp-specs.ts';

const WORKERS = 4;
const SERVICES = [
  spec('tcp 192.0.2.10:80', 'nat', ['10.0.0.1:8080']),
  spec('udp 192.0.2.10:80', 'nat', ['10.0.0.1:8080']),
  spec('tcp 192.0.2.11:80', 'tun', ['10.0.0.2:80']),
  spec('tcp 192.0.2.12:80', 'tun', ['10.0.0.2:80'], { tunnel: { type: 'gue', port: 6080, checksum: false } }),
  spec('tcp [2001:db8::10]:80', 'nat', ['[fd00::1]:8080']),
];
const owners = new Owners(WORKERS);
owners.set(SERVICES);
const of = (packet: Uint8Array, by = owners) => by.of(packet, 0, packet.length);
const bytes = (text: string) => parseIp(text) as Uint8Array;

describe('the owner of a flow', () => {
  const clients = Array.from({ length: 60 }, (_, i) => `198.51.100.${i + 1}`);

  it('every worker has some', () => {
    const found = new Set(clients.map(c => of(tcp({ from: `${c}:1024`, to: '192.0.2.10:80' }))));
    assert.deepEqual([...found].sort(), [0, 1, 2, 3]);
  });

  it('is one for all packets of a client', () => {
    for (const c of clients) {
      const request = tcp({ from: `${c}:1024`, to: '192.0.2.10:80' });
      const owner = of(request);
      const inside = tcp({ from: `${c}:7`, to: '192.0.2.11:80' });
      const datagram = udp({ from: `${c}:9`, to: '192.0.2.10:80', payload: new Uint8Array(3000), df: false });
      const same: Record<string, Uint8Array> = {
        'another port': tcp({ from: `${c}:2048`, to: '192.0.2.11:80' }),
        'an answer': tcp({ from: '10.0.0.1:8080', to: `${c}:1024` }),
        'a later fragment': cut(datagram, 1500)[1],
        'an error about an answer': icmp(
          '203.0.113.1',
          '192.0.2.10',
          3,
          4,
          0,
          tcp({ from: '192.0.2.10:80', to: `${c}:1024` }),
        ),
        'an error about a request': icmp(
          '10.0.0.9',
          c,
          3,
          1,
          0,
          tcp({ from: `${c}:1024`, to: '10.0.0.1:8080' }),
        ),
        'an error about IPIP': icmp(
          '10.0.0.9',
          '10.0.0.254',
          3,
          4,
          0,
          ip(bytes('10.0.0.254'), bytes('10.0.0.2'), 4, inside),
        ),
        'an error about GUE': icmp(
          '10.0.0.9',
          '10.0.0.254',
          3,
          4,
          0,
          udp({
            from: '10.0.0.254:50000',
            to: '10.0.0.2:6080',
            payload: Uint8Array.from([0, 4, 0, 0, ...inside]),
          }),
        ),
      };
      for (const [name, packet] of Object.entries(same)) assert.equal(of(packet), owner, `${c}: ${name}`);
    }
  });

  it('is one in IPv6 too', () => {
    for (let i = 1; i < 20; i++) {
      const c = `2001:db8:c::${i.toString(16)}`;
      const owner = of(tcp({ from: `[${c}]:1024`, to: '[2001:db8::10]:80' }));
      assert.equal(of(tcp({ from: '[fd00::1]:8080', to: `[${c}]:1024` })), owner);
      const about = tcp({ from: '[2001:db8::10]:80', to: `[${c}]:1024` });
      assert.equal(of(icmp('2001:db8:c::ff', '2001:db8::10', 2, 0, 1280, about)), owner);
    }
  });

  it('with FullNAT: who has the local address; and clients go to those only who have one', () => {
    const locals = ['10.9.0.1', '10.9.0.2'];
    const full = new Owners(WORKERS);
    full.set([
      ...SERVICES,
      spec('tcp 192.0.2.13:80', 'fullnat', ['10.0.0.4:80'], { localAddresses: locals }),
    ]);
    assert.deepEqual(
      [0, 1, 2, 3].map(i => localsOf(locals, i, WORKERS)),
      [['10.9.0.1'], ['10.9.0.2'], [], []],
    );
    for (const [i, local] of locals.entries()) {
      assert.equal(of(tcp({ from: '10.0.0.4:80', to: `${local}:5001` }), full), i);
      const about = tcp({ from: `${local}:5001`, to: '10.0.0.4:80' });
      assert.equal(of(icmp('10.0.0.9', local, 3, 1, 0, about), full), i);
    }
    const found = new Set(clients.map(c => of(tcp({ from: `${c}:1024`, to: '192.0.2.13:80' }), full)));
    assert.deepEqual([...found].sort(), [0, 1]);
  });

  it('is anyone’s where nothing can be read', () => {
    assert.equal(of(new Uint8Array(10)), -1);
    assert.equal(of(icmp('10.0.0.9', '10.0.0.254', 3, 4, 0, new Uint8Array(8))), -1);
  });
});
