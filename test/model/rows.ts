// Broken cluster files, a row each: the base with patches, and what is said of it. «‹» in a patch marks the place that
// the diagnostic must point at, and is cut out before loading. A row's fault is the only thing that may be said.
import type { Code } from '../../src/model/codes.ts';
import type { Patch } from './base.ts';
import { FORWARDING } from './rows-forwarding.ts';

export interface Row {
  code: Code;
  patches: readonly Patch[];
  says: string;
  help?: string;
}

function row(code: Code, find: string, put: string, says: string, help?: string): Row {
  return rows(code, [[find, put]], says, help);
}

function rows(code: Code, patches: readonly Patch[], says: string, help?: string): Row {
  return { code, patches, says, ...(help !== undefined && { help }) };
}

/** The text of a reference to an environment variable. */
export function variable(name: string): string {
  return `\${env:${name}}`;
}

const FRA_CHECK = '{ http: { path: /healthz }, interval: 2s, timeout: 500ms, rise: 2, fall: 3 }';
const FRA_A = '{ name: fra-a, address: 10.0.0.11, port: 8080, weight: 100 }';
const FRA_B = '{ name: fra-b, address: 10.0.0.12, port: 8080, weight: 50 }';
const FRA_SERVICE = 'port: 80\n        scheduler: wrr';
const MEMBERS = '[{ vip: web-fra, weight: 60 }, { vip: web-nyc, weight: 40 }]';
const FRA_ADDRESS = 'addresses: [192.0.2.10]';

/** How it is written: YAML, keys, kinds, bounds. */
const WRITTEN: Row[] = [
  row('GTM-C001', 'cluster: example', 'cluster: ‹*nobody', 'no anchor «nobody» stands before this alias'),
  row('GTM-C001', 'region: eu }', 'region: eu } ‹}', 'not YAML: unexpected flow-map-end'),
  row('GTM-C001', '    site: fra\n    dns', '‹\tsite: fra\n    dns', 'tabs are not allowed as indentation'),
  row(
    'GTM-C002',
    '  nyc: { region: us }',
    '  ‹fra: { region: us }\n  nyc: {}',
    '«fra» stands twice in sites; first at 7:3',
  ),
  row(
    'GTM-C002',
    'lifetime: 5s',
    'lifetime: 5s\n  ‹lifetime: 6s',
    '«lifetime» stands twice in coordinator; first at 5:3',
  ),
  row(
    'GTM-C003',
    'cluster: example',
    'cluster: example\n‹clusters: 3',
    'unknown key «clusters» at the top level',
    'did you mean «cluster»?',
  ),
  row(
    'GTM-C003',
    'scheduler: wrr',
    'scheduler: wrr\n        ‹tresholds: { upper: 3 }',
    'unknown key «tresholds» in vips.web-fra.services[0]',
    'did you mean «thresholds»?',
  ),
  row(
    'GTM-C003',
    'answers: 2,',
    'answers: 2, ‹colour: red,',
    'unknown key «colour» in pools.web',
    'known here: policy, answers',
  ),
  row(
    'GTM-C003',
    'path: /healthz',
    '‹paht: /healthz',
    'unknown key «paht» in vips.web-fra.services[0].check.http',
    'did you mean «path»?',
  ),
  row(
    'GTM-C003',
    'all_down: all',
    'all_down: { static: [192.0.2.99], ‹statics: 1 }',
    'unknown key «statics» in pools.web.all_down',
    'did you mean «static»?',
  ),
  row(
    'GTM-C004',
    'cluster: example',
    'cluster: ‹Example',
    'cluster: names are lower-case letters, digits and inner hyphens, up to 63, not «Example»',
  ),
  row('GTM-C004', 'answers: 2', 'answers: ‹two', 'pools.web.answers: expected a whole number, not «two»'),
  row('GTM-C004', 'answers: 2', 'answers: ‹0', 'pools.web.answers: 0 is under 1'),
  row('GTM-C004', 'answers: 2', 'answers: ‹17', 'pools.web.answers: 17 is over 16'),
  row('GTM-C004', 'answers: 2', 'answers: ‹1.5', 'pools.web.answers: expected a whole number, not 1.5'),
  row('GTM-C004', 'weight: 60', 'weight: ‹65536', 'pools.web.members[0].weight: 65536 is over 65535'),
  row(
    'GTM-C004',
    'policy: weighted',
    'policy: ‹weightd',
    'expected weighted or failover, not «weightd»',
    'did you mean «weighted»?',
  ),
  row(
    'GTM-C004',
    'listen: ["192.0.2.1:53"]',
    'listen: ["192.0.2.1:53"], io: dgram, workers: ‹2',
    'io: dgram takes one worker; several need io: batch',
  ),
  row('GTM-C004', 'policy: weighted', 'policy: ‹random', 'expected weighted or failover, not «random»'),
  row(
    'GTM-C004',
    'lifetime: 5s',
    'lifetime: ‹5',
    'coordinator.lifetime: expected a duration such as 500ms, 10s or 1h30m',
  ),
  row('GTM-C004', 'lifetime: 5s', 'lifetime: ‹11m', '11m is out of bounds: from 1s to 10m'),
  row('GTM-C004', 'for: 2h', 'for: ‹two hours', '«two hours» is not a duration'),
  row(
    'GTM-C004',
    'weight: 0%',
    'weight: ‹0',
    'schedules.nightly.weight: expected a percentage such as 50%, not 0',
  ),
  row('GTM-C004', 'weight: 0%', 'weight: ‹1001%', '1001% is over 1000%'),
  row(
    'GTM-C004',
    '[192.0.2.10]',
    '[‹192.0.2.300]',
    'vips.web-fra.addresses[0]: «192.0.2.300» is not an IPv4 or IPv6 address',
  ),
  row('GTM-C004', '[192.0.2.10]', '‹[]', 'vips.web-fra.addresses: a VIP needs an address'),
  row('GTM-C004', '[192.0.2.10]', '‹192.0.2.10', 'vips.web-fra.addresses: expected a list, not «192.0.2.10»'),
  row('GTM-C004', '"192.0.2.1:53"', '‹"192.0.2.1"', '«192.0.2.1» is not ADDRESS:PORT'),
  row(
    'GTM-C004',
    'all_down: all',
    'all_down: ‹none',
    'expected all, last-known, servfail or { static: [addresses] }, not «none»',
  ),
  row(
    'GTM-C004',
    'all_down: all',
    'all_down: { static: [‹192.0.2.999] }',
    'pools.web.all_down.static[0]: «192.0.2.999» is not',
  ),
  row('GTM-C004', 'region: us', 'region: ‹[us]', 'sites.nyc.region: expected a text, not a list'),
  row(
    'GTM-C004',
    '  nyc: { region: us }',
    '  ‹nyc:',
    'sites.nyc: expected a mapping, not empty',
    '{} is the empty mapping',
  ),
  row('GTM-C004', 'path: /healthz', 'path: ‹healthz', 'a path begins with /, not «healthz»'),
  row('GTM-C004', 'path: /healthz', 'status: [‹abc]', 'a range is written as 200-299, not «abc»'),
  row('GTM-C004', 'path: /healthz', 'status: [‹99]', 'status[0]: 99 is under 100'),
  row(
    'GTM-C004',
    'path: /healthz',
    'status: [‹true]',
    'expected a status code or a range such as 200-299, not true',
  ),
  row(
    'GTM-C004',
    '{ tcp: {}, interval',
    '‹{ tcp: {}, http: {}, interval',
    'a check has exactly one of http, https, tcp, tls, dns, udp, icmp, exec',
  ),
  row('GTM-C004', '{ tcp: {},', '{ udp: ‹{ expect: x }, ', 'a udp check sends exactly one of send, send_hex'),
  row(
    'GTM-C004',
    '{ tcp: {},',
    '{ udp: ‹{ send: x, expect: x, expect_hex: "00" }, ',
    'a udp check expects one of expect, expect_hex',
  ),
  row('GTM-C004', '{ tcp: {},', '{ udp: { send_hex: ‹"0" }, ', 'bytes are written in hex'),
  row(
    'GTM-C004',
    '{ tcp: {},',
    '{ exec: { command: [‹lib/check] },',
    'a program is named by its whole path, such as /usr/lib/check',
  ),
  row('GTM-C004', '{ tcp: {},', '{ tcp: {}, forgive: ‹0,', '0 is under 1'),
  row(
    'GTM-C004',
    '{ cron: "0 2 * * *", timezone: Europe/Berlin, for: 2h, site: nyc',
    '‹{ cron: "0 2 * * *", for: 2h, site: nyc, vip: web-nyc',
    'a schedule has exactly one of site, vip',
  ),
  row('GTM-C004', '  example.com:', '  ‹exa..mple.com:', 'zones: «exa..mple.com» is not a domain name'),
  row('GTM-C004', '  web: {', '  ‹Web: {', '«Web» in pools: names are lower-case letters'),
  row(
    'GTM-C004',
    FRA_A,
    '{ address: 10.0.0.11, port: ‹80800 }',
    'real_servers[0].port: expected a port, 1 to 65535, not 80800',
  ),
  row(
    'GTM-C005',
    'protocol: tcp\n        port: 80\n        scheduler: wrr',
    '‹port: 80\n        scheduler: wrr',
    'missing key «protocol» in vips.web-fra.services[0]',
  ),
  row(
    'GTM-C005',
    FRA_A,
    '‹{ name: fra-a, address: 10.0.0.11 }',
    'missing key «port» in vips.web-fra.services[0].real_servers[0]',
  ),
  row(
    'GTM-C005',
    'web: { policy: weighted, answers: 2',
    '‹web: { answers: 2',
    'missing key «policy» in pools.web',
  ),
  row('GTM-C005', 'zones:\n  example.com: example.com.zone\n', '', 'missing key «zones» at the top level'),
  row(
    'GTM-C006',
    'cluster: example',
    `cluster: example\n#${'x'.repeat(1 << 20)}`,
    'at most 1048576 are read',
  ),
  row(
    'GTM-C004',
    '{ tcp: {},',
    '{ dns: { name: ‹exa..mple }, ',
    'check.dns.name: «exa..mple» is not a domain name',
  ),
  row('GTM-C004', 'weight: 60', "weight: ‹'60'", 'expected a whole number, not «60»'),
];

/** Variables and secrets. */
const EXPANDED: Row[] = [
  row(
    'GTM-C007',
    `"${variable('GTM_SECRET')}"`,
    `‹"${variable('NOBODY')}"`,
    'coordinator.secret: the environment variable NOBODY is not set',
  ),
  row(
    'GTM-C007',
    `"${variable('GTM_SECRET')}"`,
    `‹"${variable('EMPTY')}"`,
    'the environment variable EMPTY is empty',
  ),
  row(
    'GTM-C007',
    '"redis://10.0.1.1:6379"',
    `‹"redis://:${variable('NOBODY')}@h:1"`,
    'coordinator.redis.1: the environment variable NOBODY',
  ),
  row(
    'GTM-C008',
    'region: eu',
    `region: ‹"${variable('REGION')}"`,
    'is expanded in coordinator.secret, coordinator.redis and dns.cookies.secrets only',
  ),
  row(
    'GTM-C008',
    'example.com.zone',
    `‹"${variable('HOME')}/x"`,
    'is expanded in coordinator.secret, coordinator.redis and dns.cookies.secrets only',
  ),
  row(
    'GTM-C008',
    `"${variable('GTM_SECRET')}"`,
    '‹"$'.concat('{GTM_SECRET}-and-more"'),
    `write a variable as ${variable('NAME')}`,
  ),
  row(
    'GTM-C009',
    `"${variable('GTM_SECRET')}"`,
    '‹a-literal-secret-of-some-length',
    'coordinator.secret is written in the file itself',
  ),
  row(
    'GTM-C009',
    'dns: { listen: ["192.0.2.1:53"] }',
    'dns: { listen: ["192.0.2.1:53"], cookies: { secrets: [‹00112233445566778899aabbccddeeff] } }',
    'nodes.fra-1.dns.cookies.secrets.0 is written in the file itself',
  ),
  row(
    'GTM-C007',
    'dns: { listen: ["192.0.2.1:53"] }',
    `dns: { listen: ["192.0.2.1:53"], cookies: { secrets: [‹"${variable('NOBODY')}"] } }`,
    'the environment variable NOBODY is not set',
  ),
  row(
    'GTM-C009',
    '"redis://10.0.1.1:6379"',
    '‹"redis://:sesame@10.0.1.1:6379"',
    'coordinator.redis[1] holds a password',
  ),
];

/** What the parts mean to each other. */
const MEANING: Row[] = [
  row(
    'GTM-C005',
    'sites:\n  fra: { region: eu }\n  nyc: { region: us }',
    '‹sites: {}',
    'sites: a cluster needs at least one',
  ),
  row(
    'GTM-C010',
    'site: fra\n    dns',
    'site: ‹fr\n    dns',
    'nodes.fra-1: there is no site «fr»',
    'did you mean «fra»?',
  ),
  row(
    'GTM-C010',
    'site: nyc\n    addresses',
    'site: ‹paris\n    directors: [nyc-1]\n    addresses',
    'vips.web-nyc: there is no site «paris»',
  ),
  row(
    'GTM-C010',
    'for: 2h, site: nyc',
    'for: 2h, site: ‹nyx',
    'schedules.nightly: there is no site «nyx»',
    'did you mean «nyc»?',
  ),
  row(
    'GTM-C011',
    FRA_ADDRESS,
    `${FRA_ADDRESS}\n    directors: [fra-1, ‹fra-2]`,
    'vips.web-fra: there is no node «fra-2»',
    'did you mean «fra-1»?',
  ),
  row(
    'GTM-C011',
    FRA_ADDRESS,
    `${FRA_ADDRESS}\n    directors: [fra-1, ‹fra-1]`,
    'director fra-1 stands twice',
  ),
  rows(
    'GTM-C012',
    [
      ['nodes:', 'nodes:\n  dns-1: { site: fra }'],
      [FRA_ADDRESS, `${FRA_ADDRESS}\n    directors: [‹dns-1]`],
    ],
    'node dns-1 is no director',
    'give nodes.dns-1 a director',
  ),
  rows(
    'GTM-C013',
    [
      ['sites:', 'sites:\n  lon: {}'],
      ['nodes:', 'nodes:\n  lon-1: { site: lon }'],
      ['site: fra\n    addresses', 'site: ‹lon\n    addresses'],
    ],
    'no node of site lon has a director',
  ),
  row(
    'GTM-C014',
    FRA_ADDRESS,
    `${FRA_ADDRESS}\n    directors: [‹nyc-1]`,
    'vips.web-fra is in site fra, its director nyc-1 in nyc',
  ),
  row(
    'GTM-C015',
    '      - { vip: web-nyc }',
    '      - { vip: ‹web-nyk }',
    'pools.api: there is no VIP «web-nyk»',
    'did you mean «web-nyc»?',
  ),
  row('GTM-C015', 'for: 2h, site: nyc', 'for: 2h, vip: ‹mail', 'schedules.nightly: there is no VIP «mail»'),
  row(
    'GTM-C016',
    'pools:',
    '  ‹spare:\n    site: fra\n    addresses: [192.0.2.11]\n    services: [{ protocol: tcp, port: 81, check: { tcp: {} }, real_servers: [{ address: 10.0.0.13, port: 81 }] }]\npools:',
    'no pool uses VIP spare',
  ),
  row('GTM-C017', 'sites:', 'sites:\n  ‹lon: {}', 'site lon has no node'),
  row(
    'GTM-C020',
    `members: ${MEMBERS}`,
    '‹members: [{ vip: web-fra, weight: 0 }, { vip: web-nyc, weight: 0 }]',
    'pools.web: every weight is 0',
  ),
  row(
    'GTM-C021',
    'answers: 2, ttl: 10s',
    'answers: 2, ttl: ‹5m',
    'pools.web: ttl 5m is longer than the time to detect a failure, 7s100ms = 3 × (2s + 200ms) + 500ms',
    'up to 30s nothing is said',
  ),
  row(
    'GTM-C021',
    'answers: 2, ttl: 10s',
    'answers: 2, ttl: 10m, min_ttl: ‹31s',
    'pools.web: min_ttl 31s is longer than the time to detect',
  ),
  row(
    'GTM-C022',
    'answers: 2, ttl: 10s',
    'answers: 2, ttl: 10s, min_ttl: ‹11s',
    'pools.web: min_ttl 11s is over ttl 10s',
  ),
  row(
    'GTM-C023',
    '      - { vip: web-nyc }',
    '      - { vip: web-nyc }\n      - { vip: ‹web-fra }',
    'pools.api: VIP web-fra stands twice',
  ),
  row(
    'GTM-C024',
    '    members:\n      - { vip: web-fra }\n      - { vip: web-nyc }',
    '    ‹members:\n      - { vip: web-fra }',
    'pools.api has one member',
  ),
  row(
    'GTM-C025',
    'answers: 2',
    'answers: ‹3',
    'pools.web: 3 answers, but the members have not more than 2 of a family',
  ),
  row(
    'GTM-C025',
    'policy: failover',
    'policy: failover\n    answers: ‹2',
    'pools.api: 2 answers, but no member has more than 1',
  ),
  row(
    'GTM-C026',
    'all_down: all',
    'all_down: { static: ‹["2001:db8::1"] }',
    'all_down.static has no IPv4 address, the members have',
  ),
  row(
    'GTM-C027',
    'policy: failover',
    'policy: failover\n    load_correction: ‹true',
    'load_correction means nothing to policy failover',
  ),
  rows(
    'GTM-C030',
    [
      ['[198.51.100.10]', '[192.0.2.10]'],
      ['port: 80\n        scheduler: wlc', 'port: ‹80\n        scheduler: wlc'],
    ],
    'vips.web-nyc: tcp 192.0.2.10:80 is already a service of VIP web-fra',
  ),
  row(
    'GTM-C030',
    '[192.0.2.10]',
    '["2001:db8::a", ‹"2001:DB8:0::A"]',
    'vips.web-fra: address 2001:db8::a stands twice',
  ),
  row(
    'GTM-C030',
    '  web-nyc:\n    site',
    '      - { protocol: tcp, port: ‹80, check: { tcp: {} }, real_servers: [{ address: 10.0.0.11, port: 9 }] }\n  web-nyc:\n    site',
    'vips.web-fra: two services on tcp 192.0.2.10:80',
  ),
  row(
    'GTM-C031',
    'address: 10.0.0.11',
    'address: ‹"::ffff:10.0.0.11"',
    'IPv4 in IPv6 clothes: write 10.0.0.11',
  ),
  row('GTM-C031', '[192.0.2.10]', '[‹0.0.0.0]', '0.0.0.0 stands for every address of a host'),
  row('GTM-C031', 'address: 10.0.0.11', 'address: ‹239.1.1.1', '239.1.1.1 is a multicast address'),
  row('GTM-C031', 'address: 10.0.0.11', 'address: ‹"fe80::1"', 'fe80::1 is link-local'),
  row(
    'GTM-C031',
    'all_down: all',
    'all_down: { static: [192.0.2.99, ‹255.255.255.255] }',
    'pools.web: 255.255.255.255 is no unicast address',
  ),
  row(
    'GTM-C032',
    '{ name: fra-b, address: 10.0.0.12',
    '{ address: ‹10.0.0.11',
    'real server 10.0.0.11:8080 stands twice',
  ),
  row(
    'GTM-C033',
    `        real_servers:\n          - ${FRA_A}\n          - ${FRA_B}`,
    '        ‹real_servers:\n          - { address: 10.0.0.11, port: 8080, weight: 0 }',
    'vips.web-fra, tcp port 80: every weight is 0',
  ),
  row(
    'GTM-C034',
    '10.0.0.12, port: 8080',
    '‹192.0.2.10, port: 80',
    'real server 192.0.2.10:80 is the service itself',
  ),
  row(
    'GTM-C035',
    'interval: 2s, timeout: 500ms, rise',
    'interval: 2s, timeout: ‹2s, rise',
    'time-out 2s is not below the interval 2s',
  ),
  row(
    'GTM-C036',
    `- protocol: tcp\n        ${FRA_SERVICE}\n        check: ${FRA_CHECK}`,
    `- ‹protocol: tcp\n        ${FRA_SERVICE}`,
    'vips.web-fra, tcp port 80 has no check',
  ),
  row(
    'GTM-C037',
    `tcp\n        ${FRA_SERVICE}\n        check: { http`,
    `udp\n        ${FRA_SERVICE}\n        check: { ‹http`,
    'the http check goes to tcp port 80, the service is udp',
    'give the check a port of its own',
  ),
  row(
    'GTM-C037',
    '{ tcp: {},',
    '{ ‹dns: { name: example.com },',
    'the dns check asks udp port 80, the service is tcp',
  ),
  row(
    'GTM-C037',
    '{ tcp: {},',
    '{ ‹udp: { send: ping },',
    'the udp check asks udp port 80, the service is tcp',
    'give the check a port of its own',
  ),
  row('GTM-C037', '{ tcp: {},', '{ ‹tls: {},', 'without host the certificate must name the real server'),
  row('GTM-C037', 'path: /healthz', 'status: ‹[300-200]', 'no status is in 300-200'),
  row('GTM-C037', '{ tcp: {},', '{ ‹https: {},', 'without host the certificate must name the real server'),
  row(
    'GTM-C038',
    FRA_SERVICE,
    `${FRA_SERVICE}\n        flags: [‹mh-port]`,
    'flag mh-port is for scheduler mh, not wrr',
  ),
  row('GTM-C038', FRA_SERVICE, `${FRA_SERVICE}\n        flags: [‹ops]`, 'flag ops (one packet) is for udp'),
  rows(
    'GTM-C038',
    [
      [
        `tcp\n        ${FRA_SERVICE}`,
        `udp\n        ${FRA_SERVICE}\n        flags: [‹ops]\n        persistence: 1m`,
      ],
      ['{ http: { path: /healthz },', '{ dns: { name: example.com },'],
    ],
    'flag ops schedules every packet anew, persistence 1m none',
  ),
  row(
    'GTM-C039',
    FRA_SERVICE,
    `${FRA_SERVICE}\n        thresholds: { upper: 10, lower: ‹11 }`,
    'lower 11 is over upper 10',
  ),
  row(
    'GTM-C039',
    FRA_SERVICE,
    `${FRA_SERVICE}\n        thresholds: { lower: ‹11 }`,
    'lower 11 has no effect without upper',
  ),
  row(
    'GTM-C03A',
    FRA_SERVICE,
    `${FRA_SERVICE}\n        forward: ‹dr`,
    'forward: dr means nothing to plane proxy of fra-1',
  ),
  row(
    'GTM-C039',
    FRA_SERVICE,
    `${FRA_SERVICE}\n        watermarks: { low: ‹60%, high: 50% }`,
    'low 60% is over high 50%',
  ),
  row('GTM-C03B', 'scheduler: wrr', 'scheduler: ‹rr', 'rr does not look at weights; wrr does'),
  row(
    'GTM-C03F',
    'scheduler: wrr',
    'scheduler: ‹mh',
    'while a real server is down, mh refuses its clients',
    'flags: [mh-fallback] sends them to another',
  ),
  row(
    'GTM-C03F',
    'scheduler: wlc\n        check: { tcp: {}, interval: 2s, timeout: 500ms }',
    'scheduler: ‹sh\n        check: { tcp: {}, interval: 2s, timeout: 500ms }',
    'while a real server is down, sh refuses its clients',
    'flags: [sh-fallback] sends them to another',
  ),
  rows(
    'GTM-C03F',
    [
      ['scheduler: wrr', 'scheduler: ‹sh\n        flags: [sh-fallback]'],
      [FRA_B, FRA_B.replace('weight: 50', 'weight: 157')],
    ],
    'sh has 256 buckets and the weights come to 257: the last real servers get less, or nothing',
    'take smaller weights of the same ratio, or mh',
  ),
  row(
    'GTM-C03C',
    'name: nyc-a',
    'name: ‹fra-a',
    'vips.web-nyc: fra-a is 10.0.1.11 here and 10.0.0.11 before',
  ),
  row(
    'GTM-C03E',
    `tcp\n        ${FRA_SERVICE}\n        check: { http: { path: /healthz }`,
    `udp\n        ${FRA_SERVICE}\n        proxy_protocol: ‹v1\n        check: { http: { port: 80 }`,
    'a datagram carries version 2 alone',
    'proxy_protocol: v2',
  ),
  row(
    'GTM-C03E',
    `tcp\n        ${FRA_SERVICE}\n        check: { http: { path: /healthz }`,
    `udp\n        ${FRA_SERVICE}\n        ‹accept_proxy_protocol: { from: [10.0.0.0/8] }\n        check: { http: { port: 80 }`,
    'accept_proxy_protocol is for tcp',
  ),
  row(
    'GTM-C037',
    `${FRA_SERVICE}\n        check: { http`,
    `${FRA_SERVICE}\n        proxy_protocol: v2\n        check: { ‹http`,
    'the http check sends no PROXY header, which the real servers expect',
    'give the check a port of its own',
  ),
  row(
    'GTM-C004',
    FRA_SERVICE,
    `${FRA_SERVICE}\n        accept_proxy_protocol: { from: [‹10.0.0.1/8] }`,
    '«10.0.0.1/8» is not a prefix',
  ),
  row(
    'GTM-C03D',
    '{ tcp: {},',
    '{ exec: { command: [‹/missing, -v] },',
    'vips.web-nyc, tcp port 80: there is no program /missing',
  ),
  row(
    'GTM-C040',
    '"192.0.2.1:53"',
    '"192.0.2.1:53", ‹"192.0.2.1:53"',
    'node fra-1 would listen on 192.0.2.1:53 twice',
  ),
  row(
    'GTM-C040',
    '"192.0.2.1:53"',
    '"192.0.2.1:53", ‹"0.0.0.0:53"',
    'node fra-1 would listen on 0.0.0.0:53 and 192.0.2.1:53',
  ),
  row(
    'GTM-C040',
    '"192.0.2.1:53"',
    '"192.0.2.1:53", "[::]:53", ‹"[::1]:53"',
    'node fra-1 would listen on [::1]:53 and [::]:53',
  ),
  rows(
    'GTM-C040',
    [
      ['"192.0.2.1:53"', '"0.0.0.0:80"'],
      ['port: 80\n        scheduler: wrr', 'port: ‹80\n        scheduler: wrr'],
    ],
    'vips.web-fra: tcp 192.0.2.10:80 is also where node fra-1 listens for dns',
  ),
  row(
    'GTM-C041',
    '"198.51.100.1:53"',
    '‹"192.0.2.1:53"',
    'nodes fra-1 and nyc-1 both listen on 192.0.2.1:53',
  ),
  row(
    'GTM-C04B',
    'dns: { listen: ["192.0.2.1:53"] }',
    `dns: { listen: ["192.0.2.1:53"], cookies: { secrets: [‹"${variable('GTM_SECRET')}"] } }`,
    'nodes.fra-1: a cookie secret has 32 hexadecimal digits',
    'openssl rand -hex 16 makes one',
  ),
  row(
    'GTM-C004',
    'dns: { listen: ["192.0.2.1:53"] }',
    'dns: { listen: ["192.0.2.1:53"], rrl: { exempt: [‹10.0.0.1/8] } }',
    '«10.0.0.1/8» is not a prefix',
  ),
  rows(
    'GTM-C042',
    [
      ['    dns: { listen: ["192.0.2.1:53"] }\n', ''],
      ['    dns: { listen: ["198.51.100.1:53"] }\n', ''],
      ['nodes:', '‹nodes:'],
    ],
    'no node has dns',
  ),
  row(
    'GTM-C043',
    '"192.0.2.1:53"] }\n    admin: { listen: 127.0.0.1:8053',
    '"192.0.2.1:53"] }\n    admin: { listen: ‹192.0.2.1:8053',
    'whoever reaches 192.0.2.1:8053 can steer the cluster',
  ),
  row(
    'GTM-C044',
    '"redis://10.0.1.1:6379"',
    '‹"10.0.1.1:6379"',
    'coordinator.redis[1]: expected a URL such as redis://host:6379',
  ),
  row(
    'GTM-C044',
    '"redis://10.0.1.1:6379"',
    '‹"redis://10.0.0.1:6379"',
    'coordinator.redis[1]: redis://10.0.0.1:6379 stands twice',
  ),
  rows(
    'GTM-C045',
    [
      [`  secret: "${variable('GTM_SECRET')}"\n`, ''],
      ['  redis:', '  ‹redis:'],
    ],
    'Redis needs a secret',
    `secret: "${variable('GTM_SECRET')}"`,
  ),
  row(
    'GTM-C045',
    `"${variable('GTM_SECRET')}"`,
    `‹"${variable('SHORT')}"`,
    'coordinator.secret has under 16 characters',
  ),
  row('GTM-C046', 'lifetime: 5s', 'lifetime: ‹2s', 'a node that misses a heartbeat or two'),
  row(
    'GTM-C047',
    'example.com.zone',
    'example.com.zone\n  ‹EXAMPLE.com.: other.zone',
    'EXAMPLE.com. and example.com are one zone',
  ),
  row(
    'GTM-C047',
    'example.com.zone',
    '‹../example.com.zone',
    '«../example.com.zone» is not below the folder of this file',
  ),
  row('GTM-C047', 'example.com.zone', '‹/etc/passwd', '«/etc/passwd» is not below the folder of this file'),
  row(
    'GTM-C048',
    'example.com.zone',
    'example.com.zone\n  example.net: ‹./example.com.zone',
    'example.net and example.com are both read from example.com.zone',
  ),
  row('GTM-C049', '"0 2 * * *"', '‹"61 2 * * *"', 'schedules.nightly: «61 2 * * *»: 61 is not a minute'),
  row('GTM-C049', 'Europe/Berlin', '‹Europe/Atlantis', '«Europe/Atlantis» is not a time zone'),
];

export const ROWS = [...WRITTEN, ...EXPANDED, ...MEANING, ...FORWARDING];
