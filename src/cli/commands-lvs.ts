// The commands about forwarding: what a director does and would do (gtm lvs), and the hosts behind it (gtm realserver).
import type { Command } from './context.ts';

export const LVS_COMMANDS: readonly Command[] = [
  {
    path: ['lvs', 'ls'],
    args: [],
    flags: ['stats', 'rate', 'conns', 'numeric', 'exact', 'url', 'json', 'timeout'],
    summary: 'what a node forwards, in the tables of ipvsadm',
    details:
      'Names are those of the cluster file. What the plane does not count (packets of TCP, through sockets) is «-». --conns lists up to 10000.',
    examples: [
      ['gtm lvs ls -n', 'as ipvsadm -Ln'],
      ['gtm lvs ls -n --stats --exact', 'counters since the start'],
      ['gtm lvs ls --conns', 'as ipvsadm -Lnc'],
    ],
    exits: ['refused', 'unreachable', 'timeout'],
    load: async () => (await import('./command/lvs.ts')).run,
  },
  {
    path: ['lvs', 'simulate'],
    args: [{ name: 'FILE', optional: true }],
    flags: ['config', 'node', 'from', 'to', 'protocol', 'packet', 'json', 'quiet'],
    summary: 'draw the way of a packet through the packet core: every hook, why this server, and its answer',
    details:
      'Nothing is sent, and no node is asked: the services are those of the cluster file, every server counts as up. FILE is a capture (pcap or pcapng): one line for each packet, or one of them in full.',
    examples: [
      ['gtm lvs simulate', 'a sample client, the first service'],
      ['gtm lvs simulate --from 198.51.100.7:40000 --to 127.1.0.10:8080', ''],
      ['gtm lvs simulate clients.pcap --packet 3', ''],
    ],
    exits: ['refused'],
    load: async () => (await import('./command/lvs-simulate.ts')).run,
  },
  {
    path: ['lvs', 'save'],
    args: [],
    flags: ['config', 'node', 'url', 'json', 'quiet', 'timeout'],
    summary: 'print services as rules for ipvsadm -R, with the thresholds that ipvsadm -S leaves out',
    details:
      'Of the cluster file that -c names, else of a running node. What ipvsadm has no words for is said on stderr, and ends with exit code 1.',
    examples: [
      ['gtm lvs save', 'of the running node, with the weights of now'],
      ['gtm lvs save -c zones/gtm.yaml --node fra-1', 'of the cluster file'],
    ],
    exits: ['refused', 'unreachable', 'timeout'],
    load: async () => (await import('./command/lvs-rules.ts')).save,
  },
  {
    path: ['lvs', 'restore'],
    args: [{ name: 'FILE' }],
    flags: ['check', 'site', 'json', 'quiet'],
    summary: 'read rules of ipvsadm, and print them as the vips of a cluster file',
    details:
      'FILE is what ipvsadm -S -n (or gtm lvs save) wrote; - is stdin. What a cluster file cannot say is refused by name, with its place.',
    examples: [
      ['gtm lvs restore - --site fra', 'what ipvsadm -S -n writes into the pipe'],
      ['gtm lvs restore rules.txt --check', ''],
    ],
    exits: ['refused'],
    load: async () => (await import('./command/lvs-rules.ts')).restore,
  },
  {
    path: ['lvs', 'diff'],
    args: [],
    flags: ['config', 'node', 'url', 'json', 'exit-code', 'timeout'],
    summary: 'what an apply would change in the kernel, for a node with plane: ipvs',
    details:
      'To be run on the node, as root. Weights are those of now, from the running node at --url; without one, those of the cluster file.',
    examples: [
      ['gtm lvs diff --node fra-1', ''],
      ['gtm lvs diff --node fra-1 --exit-code', 'exit code 5 when something differs'],
    ],
    exits: ['refused', 'different', 'permission'],
    load: async () => (await import('./command/lvs-diff.ts')).run,
  },
];

export const REALSERVER_COMMANDS: readonly Command[] = [
  ...(
    [
      ['check', 'say what is wrong on this host as a real server, and why it matters'],
      ['setup', 'prepare this host as a real server; only tells what it would do, without --yes'],
    ] as const
  ).map(
    ([verb, summary]): Command => ({
      path: ['realserver', verb],
      args: [],
      flags: [
        ...(['mode', 'vip', 'director', 'address', 'interface', 'tunnel', 'tunnel-port'] as const),
        ...(verb === 'setup' ? (['yes', 'state', 'json'] as const) : (['json', 'quiet'] as const)),
      ],
      required: ['mode', 'vip'],
      summary,
      details:
        'Linux with iproute2. What setup does is undone by gtm realserver undo; doing it again does what is missing. Nothing of it outlasts a reboot: run it at start.',
      examples: [
        [`gtm realserver ${verb} --mode dr --vip 192.0.2.10`, ''],
        [
          `gtm realserver ${verb} --mode nat --vip 192.0.2.10 --director 10.0.0.1`,
          'the director becomes the gateway',
        ],
        [`gtm realserver ${verb} --mode tun --tunnel gue --vip 192.0.2.10,2001:db8::10`, ''],
      ],
      exits: ['refused', 'permission'],
      load: async () => (await import('./command/realserver.ts'))[verb],
    }),
  ),
  {
    path: ['realserver', 'undo'],
    args: [],
    flags: ['yes', 'state', 'json'],
    summary: 'take back all that setup did on this host; only tells it, without --yes',
    examples: [['gtm realserver undo --yes', '']],
    exits: ['refused', 'permission'],
    load: async () => (await import('./command/realserver.ts')).undo,
  },
  {
    path: ['realserver', 'decap'],
    args: [],
    flags: ['vip', 'tunnel-port'],
    required: ['vip'],
    summary: 'take tunnelled packets for the VIPs out in user space, where the kernel has no device for that',
    details:
      'IPIP, GRE and GUE, over IPv4 and IPv6, in the foreground. The VIPs are on a device of its own, which goes when it ends.',
    examples: [['gtm realserver decap --vip 192.0.2.10,2001:db8::10', '']],
    exits: ['refused', 'permission'],
    load: async () => (await import('./command/realserver.ts')).decap,
  },
  {
    path: ['realserver', 'toa'],
    args: [],
    flags: ['listen'],
    required: ['listen'],
    summary: 'run a small HTTP server that says its clients’ addresses, from TOA: to try out FullNAT',
    examples: [['gtm realserver toa --listen 10.0.0.11:8080', '']],
    exits: ['refused', 'permission', 'interrupted'],
    load: async () => (await import('./command/realserver.ts')).toa,
  },
];
