// ipvsadm's rules: what the program itself wrote is read, what we write is read back the same, and what we lack is refused by name.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seeded } from '../../src/kit/rng.ts';
import { readRules } from '../../src/lvs/rules/read.ts';
import type { RuleService } from '../../src/lvs/rules/rule.ts';
import { writeRules } from '../../src/lvs/rules/write.ts';
import { vipsYaml } from '../../src/lvs/rules/yaml.ts';
import { loadConfig } from '../../src/model/load.ts';
import { anyServices } from './any-rules.ts';

// Written by `ipvsadm -S -n` (1.31) over a Linux 6.1 kernel; of the services that we have.
const REAL = `-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m -w 3
-a -t 192.0.2.10:80 -r 10.0.0.2:8080 -m -w 1
-A -t 192.0.2.11:80 -s mh -p 300 -b mh-fallback,mh-port
-a -t 192.0.2.11:80 -r 10.0.0.1:80 -g -w 0
-A -t 192.0.2.13:80 -s rr
-a -t 192.0.2.13:80 -r 10.0.0.2:80 -i -w 1 --tun-type gre --tun-csum
-A -t 192.0.2.14:80 -s rr
-a -t 192.0.2.14:80 -r 10.0.0.1:80 -i -w 1 --tun-type ipip
-A -u 192.0.2.12:53 -s sh -o -b sh-port
-a -u 192.0.2.12:53 -r 10.1.0.1:53 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -u 192.0.2.12:53 -r [2001:db8:9::2]:53 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-A -t [2001:db8::10]:443 -s sed -p 360
-a -t [2001:db8::10]:443 -r [2001:db8:3::1]:8443 -m -w 2
`;

function services(text: string): RuleService[] {
  const { services: read, diagnostics } = readRules(text, 'rules');
  assert.deepEqual(diagnostics, []);
  return read;
}

/** A service by what differs from the plainest. */
function service(other: Partial<RuleService>): RuleService {
  return {
    protocol: 'tcp',
    address: '192.0.2.10',
    port: 80,
    scheduler: 'wlc',
    flags: [],
    forward: 'dr',
    tunnel: { type: 'ipip', port: 6080, checksum: false },
    thresholds: { upper: 0, lower: 0 },
    persistence: 0,
    realServers: [{ address: '10.0.0.1', port: 80, weight: 1 }],
    ...other,
  };
}

describe('what ipvsadm wrote', () => {
  it('is read', () => {
    const read = services(REAL);
    assert.deepEqual(
      read.map(
        s => `${s.protocol} ${s.address} ${s.port} ${s.scheduler} ${s.forward} ${s.realServers.length}`,
      ),
      [
        'tcp 192.0.2.10 80 wlc nat 2',
        'tcp 192.0.2.11 80 mh dr 1',
        'tcp 192.0.2.13 80 rr tun 1',
        'tcp 192.0.2.14 80 rr tun 1',
        'udp 192.0.2.12 53 sh tun 2',
        'tcp 2001:db8::10 443 sed nat 1',
      ],
    );
    assert.deepEqual(
      read[1],
      service({
        address: '192.0.2.11',
        scheduler: 'mh',
        flags: ['mh-fallback', 'mh-port'],
        persistence: 300_000,
        realServers: [{ address: '10.0.0.1', port: 80, weight: 0 }],
      }),
    );
    assert.deepEqual(read[2].tunnel, { type: 'gre', port: 6080, checksum: true });
    assert.deepEqual([read[4].flags, read[4].tunnel.type], [['sh-port', 'ops'], 'gue']);
  });

  it('is what we write of it, to the letter', () => {
    assert.deepEqual(writeRules(services(REAL)), { text: REAL, leftOut: [] });
  });
});

describe('forms that ipvsadm takes', () => {
  const SERVER = '-a -t 192.0.2.10:80 -r 10.0.0.1';
  const rows: [string, string, Partial<RuleService>][] = [
    ['direct routing, wlc, weight 1 and the service’s port by default', `-A -t 192.0.2.10:80\n${SERVER}`, {}],
    [
      'long options',
      '--add-service --tcp-service 192.0.2.10:80 --scheduler sh --sched-flags sh-port,sh-fallback --persistent 60\n' +
        '--add-server --tcp-service 192.0.2.10:80 --real-server 10.0.0.1:8080 --masquerading --weight 7 --u-threshold 9 --l-threshold 4',
      {
        scheduler: 'sh',
        flags: ['sh-fallback', 'sh-port'],
        persistence: 60_000,
        forward: 'nat',
        thresholds: { upper: 9, lower: 4 },
        realServers: [{ address: '10.0.0.1', port: 8080, weight: 7 }],
      },
    ],
    [
      'values behind = and in one word',
      '-A -t192.0.2.10:80 --scheduler=lc\n--add-server -t=192.0.2.10:80 -r10.0.0.1 -w5',
      { scheduler: 'lc', realServers: [{ address: '10.0.0.1', port: 80, weight: 5 }] },
    ],
    ['-p without a value', `-A -t 192.0.2.10:80 -p -s wlc\n${SERVER}`, { persistence: 360_000 }],
    ['the whole netmask', `-A -t 192.0.2.10:80 -p 5 -M 255.255.255.255\n${SERVER}`, { persistence: 5000 }],
    [
      'flags by number',
      `-A -t 192.0.2.10:80 -s mh -b flag-2\n${SERVER}`,
      { scheduler: 'mh', flags: ['mh-port'] },
    ],
    [
      'direct routing has the service’s port, whatever is said',
      '-A -t 192.0.2.10:80\n-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -g',
      {},
    ],
    [
      'ipvsadm in front, comments, empty lines, line ends of elsewhere',
      `# rules\r\n\r\n/sbin/ipvsadm -A -t 192.0.2.10:80\r\n  ipvsadm ${SERVER}  \r\n`,
      {},
    ],
    [
      'changes: edited, deleted and cleared',
      `-A -t 192.0.2.99:80\n-C\n-A -t 192.0.2.10:80 -s rr\n${SERVER} -w 1\n${SERVER.replace('10.0.0.1', '10.0.0.2')}\n` +
        `-A -u 192.0.2.10:80\n-E -t 192.0.2.10:80 -s sed\n-e -t 192.0.2.10:80 -r 10.0.0.1 -w 9\n` +
        '-d -t 192.0.2.10:80 -r 10.0.0.2:80\n-D -u 192.0.2.10:80',
      { scheduler: 'sed', realServers: [{ address: '10.0.0.1', port: 80, weight: 9 }] },
    ],
    [
      '--set: for all services, 0 leaves one as it is',
      `-A -t 192.0.2.10:80\n${SERVER}\n--set 600 0 30`,
      { timeouts: { tcp: 600_000, tcp_fin: 120_000, udp: 30_000 } },
    ],
  ];
  for (const [what, text, other] of rows) it(what, () => assert.deepEqual(services(text), [service(other)]));
});

describe('what is refused, by name and place', () => {
  const HEAD = '-A -t 192.0.2.10:80\n-a -t 192.0.2.10:80 -r 10.0.0.1\n';
  const rows: [string, string][] = [
    ['-A -f 7 -s rr', '3:7 GTM-R002 -f 7: no services by firewall mark here'],
    ['-a -f 7 -r 10.0.0.1 -g', '3:7 GTM-R002 -f 7: no services by firewall mark here'],
    ['-A --sctp-service 192.0.2.1:80 -s lc', '3:19 GTM-R002 --sctp-service 192.0.2.1:80: no SCTP here'],
    ['-A -t 192.0.2.1:80 -s wlcc', '3:23 GTM-R002 no such scheduler here: «wlcc»; did you mean wlc?'],
    ['-A -u 192.0.2.1:80 -s rr --pe sip -p 60', '3:31 GTM-R002 --pe sip: no persistence engines here'],
    [
      '-A -t 192.0.2.1:80 -p 60 -M 255.255.255.0',
      '3:29 GTM-R002 -M 255.255.255.0: persistence is for single clients here, not for networks',
    ],
    ['-A -t [2001:db8::1]:80 -p 60 -M 64', '3:33 GTM-R002 -M 64: persistence is for single clients here'],
    ['-A -t 192.0.2.1:0 -p 60', '3:7 GTM-R002 192.0.2.1:0: no services of all ports here'],
    ['-A -t web.example:80', '3:7 GTM-R001 «web.example:80»: an address and a port in numbers, please'],
    ['-A -t 192.0.2.1:http', '3:7 GTM-R001 «192.0.2.1:http»: an address and a port in numbers, please'],
    ['-A -t 192.0.2.1:80 -s rr -b rr-port', '3:29 GTM-R001 -b rr-port: scheduler rr has no such flag'],
    ['-A -t 192.0.2.1:80 -o', '3:20 GTM-R001 -o (one packet) is for udp'],
    ['-A -t 192.0.2.1:80 -p 0', '3:23 GTM-R001 -p 0: seconds, from 1 to 2592000'],
    ['-A -t 192.0.2.10:80', '3:7 GTM-R001 tcp 192.0.2.10:80: there is such a service already'],
    ['-E -u 192.0.2.10:80', '3:7 GTM-R001 udp 192.0.2.10:80: there is no such service'],
    ['-A -t 192.0.2.1:80', '3:7 GTM-R002 tcp 192.0.2.1:80 has no server; ours has one at least'],
    ['-A -t 192.0.2.1:80 -u 192.0.2.1:80', '3:1 GTM-R001 which service? One of -t, -u ADDRESS:PORT'],
    ['-A', '3:1 GTM-R001 which service? One of -t, -u ADDRESS:PORT'],
    ['-a -t 192.0.2.10:80', '3:1 GTM-R001 which server? -r ADDRESS:PORT'],
    ['-a -t 192.0.2.10:80 -r 10.0.0.1', '3:24 GTM-R001 10.0.0.1:80 is one of its servers already'],
    ['-e -t 192.0.2.10:80 -r 10.0.0.9', '3:24 GTM-R001 10.0.0.9:80 is none of its servers'],
    ['-a -t 192.0.2.10:81 -r 10.0.0.9', '3:7 GTM-R001 tcp 192.0.2.10:81: there is no such service'],
    ['-a -t 192.0.2.10:80 -r 10.0.0.2 -w 65536', '3:36 GTM-R001 -w 65536: a number from 0 to 65535'],
    ['-a -t 192.0.2.10:80 -r 10.0.0.2 -x 5 -y 6', '3:41 GTM-R001 -y 6 is over -x 5'],
    ['-a -t 192.0.2.10:80 -r 10.0.0.2 -g -m', '3:36 GTM-R001 -m beside -g'],
    [
      '-a -t 192.0.2.10:80 -r [2001:db8::2]:80 -m',
      '3:24 GTM-R001 2001:db8::2: only tunnels lead to a server of the other family',
    ],
    [
      '-a -t 192.0.2.10:80 -r 10.0.0.2 -m',
      '3:24 GTM-R002 10.0.0.2:80 has another method than the first server: here all of a service have the same',
    ],
    [
      '-a -t 192.0.2.10:80 -r 10.0.0.2 -x 5',
      '3:24 GTM-R002 10.0.0.2:80 has another tunnel or other thresholds than the first server',
    ],
    [
      '-a -t 192.0.2.10:80 -r 10.0.0.2 -i --tun-type vxlan',
      '3:47 GTM-R002 --tun-type vxlan: no such tunnel here',
    ],
    ['-a -t 192.0.2.10:80 -r 10.0.0.2 -i --tun-type gue', '3:47 GTM-R001 --tun-type gue wants --tun-port'],
    [
      '-a -t 192.0.2.10:80 -r 10.0.0.2 -i --tun-type gue --tun-port 6080 --tun-remcsum',
      '3:67 GTM-R002 --tun-remcsum: no remote checksums here',
    ],
    ['--set 900 120', '3:1 GTM-R001 --set TCP TCPFIN UDP: three numbers of seconds'],
    ['--set 900 7200 300', '3:11 GTM-R002 --set: 7200 s is more than a service may have here, 3600 s'],
    ['-A -t 192.0.2.1:80 -w 3', '3:23 GTM-R001 -w does not go with -A'],
    ['-A -t 192.0.2.1:80 --bogus', '3:20 GTM-R001 no such option: --bogus'],
    ['-A -t 192.0.2.1:80 -s', '3:20 GTM-R001 -s wants a value'],
    ['-A -t 192.0.2.1:80 -s rr -s rr', '3:26 GTM-R001 -s stands twice'],
    ['-A -a -t 192.0.2.1:80', '3:4 GTM-R001 one command a line: -A stands there already'],
    ['-A -t 192.0.2.1:80 rr', '3:20 GTM-R001 «rr» belongs to no option'],
    ['-t 192.0.2.1:80 -s rr', '3:1 GTM-R001 no command: -A, -E, -D for services'],
    ['-L -n', '3:1 GTM-R001 -L is no rule'],
    ['-a -t 192.0.2.10:80 -r 10.0.0.2 --gatewaying=1', '3:33 GTM-R001 -g takes no value'],
  ];
  for (const [line, expected] of rows)
    it(line, () => {
      const { services: read, diagnostics } = readRules(`${HEAD}${line}\n`, 'rules.txt');
      assert.deepEqual(read, []);
      assert.equal(diagnostics.length, 1);
      const [{ line: at, col, code, message, file }] = diagnostics;
      assert.ok(`${at}:${col} ${code} ${message}`.startsWith(expected), `${at}:${col} ${code} ${message}`);
      assert.equal(file, 'rules.txt');
    });

  it('each bad line by itself, up to a hundred', () => {
    const { diagnostics } = readRules('-A -f 1\n'.repeat(150), 'x');
    assert.equal(diagnostics.length, 100);
    assert.deepEqual([diagnostics[0].line, diagnostics[99].line], [1, 100]);
  });
});

describe('round trips', () => {
  it('read(write(x)) is x', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const all = anyServices(seed);
      const { text, leftOut } = writeRules(all);
      assert.deepEqual(leftOut, []);
      assert.deepEqual(services(text), all, text);
    }
  });

  it('and so it is through the YAML of a cluster file', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const all = anyServices(seed);
      const text = `cluster: x\nsites: { fra: {} }\nnodes: { d: { site: fra, director: { plane: xdp } } }\n${vipsYaml(all, 'fra')}zones: {}\n`;
      const { config, diagnostics } = loadConfig(text, 'gtm.yaml', {}, () => undefined);
      assert.ok(config, diagnostics.map(d => `${d.line} ${d.message}\n`).join(''));
      const read = Object.values(config.vips).flatMap(v =>
        v.services.map(
          (s): RuleService => ({
            protocol: s.protocol,
            address: v.addresses[0],
            port: s.port,
            scheduler: s.scheduler,
            flags: s.flags,
            forward: s.forward,
            tunnel: { type: s.tunnel.type, port: s.tunnel.port, checksum: s.tunnel.checksum },
            thresholds: s.thresholds,
            persistence: s.persistence,
            realServers: s.real_servers.map(({ address, port, weight }) => ({ address, port, weight })),
            ...(all[0].timeouts && {
              timeouts: { tcp: s.timeouts.tcp, tcp_fin: s.timeouts.tcp_fin, udp: s.timeouts.udp },
            }),
          }),
        ),
      );
      assert.deepEqual(read, all, text);
    }
  });

  it('two services of one address are one VIP', () => {
    const yaml = vipsYaml([service({}), service({ port: 443 }), service({ address: '2001:db8::' })], 'fra');
    assert.deepEqual(yaml.match(/^ {2}\S+:$/gm), ['  vip-192-0-2-10:', '  vip-2001-db8-0:']);
  });
});

it('what ipvsadm has no words for is told', () => {
  const { text, leftOut } = writeRules([
    service({ forward: 'fullnat' }),
    service({ port: 81, timeouts: { tcp: 1000, tcp_fin: 1000, udp: 1000 } }),
    service({
      port: 82,
      forward: 'tun',
      tunnel: { type: 'ipip', port: 6080, checksum: false, sourcePrefix: '10.9.0.0/16' },
    }),
  ]);
  assert.deepEqual(leftOut, [
    'tcp 192.0.2.10:80 is left out: IPVS has no fullnat',
    'time-outs are not in the rules: IPVS has one set for all services, these have several',
    'tcp 192.0.2.10:82: source_prefix 10.9.0.0/16 is not in the rules',
  ]);
  assert.deepEqual(text.match(/^-A.*$/gm), ['-A -t 192.0.2.10:81 -s wlc', '-A -t 192.0.2.10:82 -s wlc']);
});

it('any line is read or refused, in bounded time', () => {
  const rng = seeded(9);
  const words = REAL.split(/\s+/).concat([
    '--set',
    '',
    '-',
    '--',
    '=',
    '-w=',
    'ipvsadm',
    '\u0000',
    '[',
    '-p',
    '--persistent=',
  ]);
  for (let i = 0; i < 20_000; i++) {
    const line = Array.from({ length: rng() % 8 }, () => words[rng() % words.length]).join(' ');
    const { services: read, diagnostics } = readRules(line, 'x');
    assert.ok(read.length === 0 || diagnostics.length === 0);
  }
});
