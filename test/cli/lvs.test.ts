// `gtm lvs ls`: ipvsadm's tables to the letter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionsText, lvsText } from '../../src/cli/lvs-text.ts';
import type { ServiceStatus } from '../../src/model/status.ts';
import { connectionsFixture, statusFixture } from '../admin/fixture.ts';

const NUMERIC = { numeric: true, exact: false } as const;
const services = (): ServiceStatus[] => statusFixture().services;
const lines = (...all: string[]): string => `${all.join('\n')}\n`;

test('ipvsadm -Ln', () => {
  assert.equal(
    lvsText(services(), { show: 'setup', ...NUMERIC }),
    lines(
      'Prot LocalAddress:Port Scheduler Flags',
      '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
      'TCP  127.1.0.10:8080 wrr',
      '  -> 127.1.1.1:9001               Proxy   100    3          1         ',
      '  -> 127.1.1.2:9001               Proxy   0      0          0         ',
    ),
  );
});

test('names of the cluster file without -n', () => {
  const [, , service, first] = lvsText(services(), { show: 'setup', numeric: false, exact: false }).split(
    '\n',
  );
  assert.equal(service, 'TCP  web-fra:8080 wrr');
  assert.equal(first, '  -> web-fra-1:9001               Proxy   100    3          1         ');
});

test('ipvsadm -Ln --stats, and what is not counted', () => {
  assert.equal(
    lvsText(services(), { show: 'stats', ...NUMERIC }),
    lines(
      'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes',
      '  -> RemoteAddress:Port',
      'TCP  127.1.0.10:8080                  1200        -        -  5000000 90000000',
      '  -> 127.1.1.1:9001                    900        -        -  4000000 60000000',
      '  -> 127.1.1.2:9001                    300        -        -  1000000 30000000',
    ),
  );
});

test('ipvsadm -Ln --rate', () => {
  assert.equal(
    lvsText(services(), { show: 'rate', ...NUMERIC }),
    lines(
      'Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS',
      '  -> RemoteAddress:Port',
      'TCP  127.1.0.10:8080                     4        -        -    20000   350000',
      '  -> 127.1.1.1:9001                      3        -        -    15000   250000',
      '  -> 127.1.1.2:9001                      1        -        -     5000   100000',
    ),
  );
});

test('ipvsadm -Lnc', () => {
  assert.equal(
    connectionsText(connectionsFixture()),
    lines(
      'IPVS connection entries',
      'pro expire state       source             virtual            destination',
      'TCP 14:59  ESTABLISHED 192.0.2.7:33018    127.1.0.10:8080    127.1.1.1:9001',
      'TCP 01:01  FIN_WAIT    [2001:db8::7]:40000 127.1.0.10:8080    127.1.1.2:9001',
      'UDP 00:00  UDP         192.0.2.8:53       127.1.0.10:53      127.1.1.1:53',
    ),
  );
});

/** The column InBytes of a service that got so many. */
function inBytes(n: number, exact = false): string {
  const [first] = services();
  const text = lvsText([{ ...first, inPackets: 7, outPackets: 8, inBytes: n, outBytes: 0 }], {
    show: 'stats',
    numeric: true,
    exact,
  });
  const row = text.split('\n')[2];
  assert.ok(row.startsWith('TCP  127.1.0.10:8080                  1200        7        8 '));
  return row.slice(60, -9);
}

test('numbers of more than eight digits', () => {
  const rows: [number, string][] = [
    [99_999_999, ' 99999999'],
    [100_000_000, '  100000K'],
    [999_999_999, '  999999K'],
    [1_000_000_000, '    1000M'],
    [99_999_999_999, '   99999M'],
    [100_000_000_000, '     100G'],
    [99_999_999_999_999, '   99999G'],
    [100_000_000_000_000, '     100T'],
  ];
  for (const [n, text] of rows) assert.equal(inBytes(n), text);
  assert.equal(inBytes(99_999_999_999_999, true), ' 99999999999999');
  assert.equal(inBytes(5, true), '        5');
});

test('flags, forwarding methods of other planes, and the order', () => {
  const [base] = services();
  const server = (key: string) => ({ ...base.realServers[0], key, name: key });
  const all: ServiceStatus[] = [
    {
      ...base,
      key: 'tcp [2001:db8::1]:80',
      forward: 'tun',
      plane: 'xdp',
      scheduler: 'mh',
      flags: ['mh-port', 'mh-fallback'],
      realServers: [server('[2001:db8::2]:80')],
    },
    { ...base, key: 'udp 192.0.2.1:53', scheduler: 'rr', flags: ['ops'], realServers: [] },
    {
      ...base,
      key: 'tcp 192.0.2.10:80',
      persistence: 300_000,
      forward: 'dr',
      plane: 'ipvs',
      realServers: [server('10.0.0.10:80'), server('10.0.0.9:80')],
    },
    { ...base, key: 'tcp 192.0.2.9:443', realServers: [] },
    { ...base, key: 'tcp 192.0.2.9:80', realServers: [] },
  ];
  assert.deepEqual(
    lvsText(all, { show: 'setup', ...NUMERIC })
      .split('\n')
      .slice(2, -1),
    [
      'TCP  192.0.2.9:80 wrr',
      'TCP  192.0.2.9:443 wrr',
      'TCP  192.0.2.10:80 wrr persistent 300',
      '  -> 10.0.0.9:80                  Route   100    3          1         ',
      '  -> 10.0.0.10:80                 Route   100    3          1         ',
      'UDP  192.0.2.1:53 rr ops',
      'TCP  [2001:db8::1]:80 mh (mh-port,mh-fallback)',
      '  -> [2001:db8::2]:80             Tunnel  100    3          1         ',
    ],
  );
});

test('long names are cut as ipvsadm cuts them, and none brings control characters', () => {
  const [base] = services();
  const text = lvsText(
    [
      {
        ...base,
        vip: `${'v'.repeat(50)}`,
        realServers: [{ ...base.realServers[0], name: `\u001b[2J${'r'.repeat(50)}` }],
      },
    ],
    {
      show: 'setup',
      numeric: false,
      exact: false,
    },
  );
  const [, , service, server] = text.split('\n');
  assert.equal(service, `TCP  ${'v'.repeat(28)} wrr`);
  assert.equal(server.slice(0, 36), `  ->  [2J${'r'.repeat(24)} Pr`);
});
