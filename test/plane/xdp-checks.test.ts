// Checks at start: each mistake is found by name, in the table of what may be wrong and on a host where it was made on purpose.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { check, type Facts, formatFinding } from '../../src/plane/xdp/checks.ts';
import { Lab } from '../lab/hosts.ts';
import { spec } from './xdp-specs.ts';

const CHILD = fileURLToPath(new URL('./xdp-checks-child.js', import.meta.url));
const NAT = spec('tcp 10.1.0.100:80', 'nat', ['10.2.0.2:80']);
const DR = spec('tcp 10.1.0.100:80', 'dr', ['10.2.0.2:80']);
const TUN = spec('tcp 10.1.0.100:80', 'tun', ['10.2.0.2:80']);
const TUN6 = spec('tcp [fd01::100]:80', 'tun', ['[fd02::2]:80']);

const LINK = {
  index: 2,
  name: 'eth0',
  flags: 0x10001,
  mtu: 1500,
  kind: 'veth',
  vlan: undefined,
  master: 0,
  xdp: undefined,
};
const GOOD: Facts = {
  kernel: [6, 1],
  capabilities: new Set(['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_BPF', 'CAP_IPC_LOCK']),
  memlock: 65_536,
  jit: true,
  rpFilter: new Map([['all', 2]]),
  rules: 0,
  links: [{ ...LINK, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }],
  offloads: new Map(),
  ways: [{ address: '10.2.0.2', link: 'eth0', gateway: undefined, mtu: 1520, local: false }],
  nftables: true,
};
const [FIRST] = GOOD.links;
const [WAY] = GOOD.ways;

test('a host that is in order is told nothing', () => {
  for (const service of [NAT, DR, TUN]) assert.deepEqual(check(GOOD, [service]), []);
  const admin = new Set(['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_ADMIN']);
  assert.deepEqual(check({ ...GOOD, capabilities: admin, memlock: Number.POSITIVE_INFINITY }, [NAT]), []);
});

test('each mistake is named, with what to change', () => {
  const without = (name: string) => new Set([...GOOD.capabilities].filter(c => c !== name));
  const rows: [Partial<Facts>, string, RegExp][] = [
    [{ kernel: [5, 4] }, 'error', /^Linux 5\.4: .*plane: proxy/],
    [{ kernel: [5, 10] }, 'note', /^Linux 5\.10: .*5\.16/],
    [{ capabilities: without('CAP_NET_ADMIN') }, 'error', /^CAP_NET_ADMIN is missing.*root/],
    [{ capabilities: without('CAP_NET_RAW') }, 'error', /^CAP_NET_RAW is missing/],
    [{ capabilities: without('CAP_BPF') }, 'error', /^CAP_BPF is missing/],
    [{ capabilities: without('CAP_IPC_LOCK') }, 'error', /^at most 64 KiB .*LimitMEMLOCK/],
    [{ jit: false }, 'warning', /bpf_jit_enable=1/],
    [{ rules: 2 }, 'warning', /^2 rules of policy routing/],
    [{ nftables: false }, 'warning', /nf_tables.*modprobe/],
    [{ links: [{ ...FIRST, flags: 0 }] }, 'error', /^eth0: it is down.*ip link set eth0 up/],
    [{ links: [{ ...FIRST, flags: 1 }] }, 'warning', /^eth0: it has no carrier/],
    [{ links: [{ ...FIRST, master: 7 }] }, 'warning', /^eth0: it belongs to a bridge/],
    [{ links: [{ ...FIRST, mtu: 9000 }] }, 'error', /^eth0: MTU 9000.*ip link set eth0 mtu/],
    [
      { offloads: new Map([['eth0', new Set(['tx-scatter-gather'])]]) },
      'warning',
      /ethtool -K eth0 tx off.*other end/,
    ],
    [{ offloads: new Map([['eth0', new Set(['rx-lro'])]]) }, 'warning', /ethtool -K eth0 lro off/],
    [{ rpFilter: new Map([['eth0', 1]]) }, 'note', /rp_filter=2/],
    [{ ways: [{ ...WAY, link: undefined }] }, 'error', /^real server 10\.2\.0\.2: no route/],
    [{ ways: [{ ...WAY, link: 'eth7' }] }, 'error', /behind eth7.*add eth7 to director.interfaces/],
  ];
  for (const [change, level, text] of rows) {
    const found = check({ ...GOOD, ...change }, [NAT]);
    assert.deepEqual(
      found.map(f => f.level),
      [level],
      `${text}: ${found.map(formatFinding)}`,
    );
    assert.match(formatFinding(found[0]), text);
  }
  const gateway = { ...GOOD, ways: [{ ...WAY, gateway: '10.1.0.254' }] };
  assert.match(formatFinding(check(gateway, [DR])[0]), /behind the gateway 10\.1\.0\.254.*forward: tun/);
  assert.deepEqual(check(gateway, [NAT]), []);
  const narrow = { ...GOOD, ways: [{ ...WAY, mtu: 1500 }] };
  assert.match(
    formatFinding(check(narrow, [TUN])[0]),
    /at most 1480 octets .*fragmentation needed.* to 1520/,
  );
  const six = { ...GOOD, ways: [{ ...WAY, address: 'fd02::2', mtu: 1300 }] };
  assert.match(formatFinding(check(six, [TUN6])[0]), /1260 octets are left.* to 1320/);
  // Worst first, and each thing once.
  const bad = check({ ...GOOD, kernel: [5, 10], jit: false, ways: [{ ...WAY, link: undefined }] }, [
    NAT,
    NAT,
  ]);
  assert.deepEqual(
    bad.map(f => f.level),
    ['error', 'warning', 'note'],
  );
});

test('thousands of servers with one fault are not told one by one', () => {
  const addresses = Array.from({ length: 5000 }, (_, i) => `10.2.${i >> 8}.${i & 255}`);
  const service = spec(
    'tcp 10.1.0.100:80',
    'nat',
    addresses.map(a => `${a}:80`),
  );
  const found = check({ ...GOOD, ways: addresses.map(address => ({ ...WAY, address, link: undefined })) }, [
    service,
  ]);
  assert.equal(found.length, 33);
  assert.match(formatFinding(found[32]), /^4968 findings more/);
});

test('mistakes that were made on a host are found there', async () => {
  const lab = new Lab();
  try {
    const [director, other] = ['director', 'other'].map(name => lab.host(name));
    lab.link({ host: director, name: 'eth0', addresses: ['10.1.0.1/24'] }, { host: other, name: 'eth0' });
    lab.link({ host: director, name: 'eth1', addresses: ['10.2.0.1/24'] }, { host: other, name: 'eth1' });
    const ask = async (interfaces: string, forward: string, ...servers: string[]) => {
      const { code, out, err } = await director.run(process.execPath, [
        CHILD,
        interfaces,
        forward,
        ...servers,
      ]);
      assert.equal(code, 0, err);
      return out;
    };
    assert.equal(await ask('eth0,eth1', 'nat', '10.2.0.2'), '');
    assert.match(await ask('eth0', 'nat', '10.2.0.2'), /^error: real server 10\.2\.0\.2 is behind eth1/);
    assert.match(await ask('eth0,eth1', 'nat', '10.3.0.2'), /^error: real server 10\.3\.0\.2: no route/);
    assert.match(await ask('eth0,eth1', 'tun', '10.2.0.2'), /^note: .*at most 1480/);
    director.ip('route', 'add', '10.3.0.0/24', 'via', '10.2.0.9', 'mtu', '1400');
    assert.match(await ask('eth0,eth1', 'dr', '10.3.0.2'), /behind the gateway 10\.2\.0\.9/);
    assert.match(await ask('eth0,eth1', 'tun', '10.3.0.2'), /at most 1380/);
    director.ethtool('-K', 'eth0', 'tx', 'on', 'sg', 'on', 'tso', 'on');
    director.sysctl('net.ipv4.conf.eth1.rp_filter', 1);
    director.ip('rule', 'add', 'from', '10.1.0.1', 'lookup', '100');
    director.ip('link', 'set', 'eth1', 'mtu', '9000');
    const all = await ask('eth0,eth1', 'nat', '10.2.0.2');
    assert.match(all, /^error: eth1: MTU 9000/);
    assert.match(all, /\nwarning: eth0: tx-checksum-ip-generic, tx-scatter-gather/);
    assert.match(all, /\nwarning: 1 rules of policy routing/);
    assert.match(all, /\nnote: eth1: rp_filter is strict/);
    director.ip('link', 'set', 'eth0', 'down');
    assert.match(await ask('eth0,eth1', 'nat', '10.2.0.2'), /error: eth0: it is down/);
  } finally {
    await lab.close();
  }
});
