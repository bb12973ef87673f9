// The table of commands: parsing, help, «did you mean» and the README's section are made from it.
//   argv → parse.ts (this table, flag.ts) → a command's file, loaded when it is wanted → exit code
import { LVS_COMMANDS, REALSERVER_COMMANDS } from './commands-lvs.ts';
import type { Arg, Command } from './context.ts';

const NAME: Arg = { name: 'NAME' };
/** An operator's words, as sentences about a VIP or a whole site. */
const WORDS = {
  drain: (what: string) => `drain ${what}: no new clients, and open connections go on`,
  ready: (what: string) => `put ${what} back in service: takes back drain, maint and weight`,
  maint: (what: string) => `take ${what} out of service, whatever its probes say`,
  weight: (what: string) => `multiply the weight of ${what}`,
} as const;

export const COMMANDS: readonly Command[] = [
  {
    path: ['demo'],
    args: [],
    flags: ['config', 'log-level'],
    summary: 'run every node of the cluster file and its real servers, in one process',
    details: 'For trying out: no privilege, loopback only. Ctrl-C ends it.',
    examples: [['gtm demo', 'the sample cluster: two sites, two real servers each']],
    exits: ['refused', 'permission', 'interrupted'],
    load: async () => (await import('./command/demo.ts')).run,
  },
  ...(['stop', 'start'] as const).map(
    (verb): Command => ({
      path: ['demo', verb],
      args: [NAME],
      flags: ['url', 'json', 'timeout'],
      summary: `${verb} one of the demo’s real servers, to see what happens`,
      examples: [[`gtm demo ${verb} web-fra-1`, '']],
      exits: ['refused', 'unreachable', 'timeout'],
      load: async () => (await import('./command/demo-server.ts')).turn(verb),
    }),
  ),
  {
    path: ['serve'],
    args: [],
    flags: ['node', 'config', 'log-level'],
    summary: 'run one node of the cluster, in the foreground',
    details:
      'SIGHUP or a changed file reloads: all of it or nothing. SIGTERM ends it when what is open has been answered.',
    examples: [['gtm serve --node fra-1 -c zones/gtm.yaml', '']],
    exits: ['refused', 'permission', 'interrupted'],
    load: async () => (await import('./command/serve.ts')).run,
  },
  {
    path: ['init'],
    args: [],
    flags: ['mode', 'dir', 'json', 'quiet'],
    summary: 'write a cluster file to begin with, for a forwarding method, and its zone',
    details:
      'MODE is nat (by default), dr, tun or fullnat. Addresses are those of documents; comments say what to put in. Nothing is overwritten.',
    examples: [
      ['gtm init --mode dr --dir mycluster', ''],
      ['gtm init', 'into the folder zones, forward: nat'],
    ],
    exits: ['refused', 'permission'],
    load: async () => (await import('./command/init.ts')).run,
  },
  {
    path: ['check'],
    args: [],
    flags: ['config', 'strict', 'json', 'quiet'],
    summary: 'check the cluster file and its zone files, and print every fault',
    details: 'One fault a line as FILE:LINE:COL: SEVERITY: TEXT [CODE], with the line under it.',
    examples: [
      ['gtm check', 'the cluster file that is the default'],
      ['gtm check -c new.yaml --strict --json', 'in a pipeline'],
    ],
    exits: ['refused'],
    load: async () => (await import('./command/check.ts')).run,
  },
  {
    path: ['status'],
    args: [],
    flags: ['url', 'json', 'quiet', 'watch', 'timeout', 'no-color'],
    summary: 'what a node sees and does, on one screen: alarms, pools, VIPs, real servers',
    examples: [
      ['gtm status', ''],
      ['gtm status --url http://127.0.0.1:8054', 'another node'],
      ['gtm status -q', 'a health check: exit code 0 when the node is ready'],
      ['gtm status --watch --json', 'one object every two seconds'],
    ],
    exits: ['refused', 'unreachable', 'timeout', 'interrupted'],
    load: async () => (await import('./command/status.ts')).run,
  },
  {
    path: ['dig'],
    args: [{ name: '@SERVER', optional: true }, { name: 'NAME' }, { name: 'TYPE', optional: true }],
    flags: ['tcp', 'explain', 'from', 'json', 'config', 'node', 'url', 'timeout'],
    summary:
      'ask a DNS server, by default the node of the cluster file; with --explain, how the answer comes about',
    details:
      'SERVER is an address with a port (@127.0.0.1:5300, @[::1]:5300) or without (53). An answer cut short is asked for again over TCP.',
    examples: [
      ['gtm dig www.example.com', 'asks the first node of the cluster file'],
      ['gtm dig @127.0.0.1:5301 www.example.com AAAA --tcp', ''],
      ['gtm dig api.example.com --explain --from 198.51.100.7', 'why a client there gets what it gets'],
    ],
    exits: ['refused', 'unreachable', 'timeout'],
    load: async () => (await import('./command/dig.ts')).run,
  },
  ...(['vip', 'site'] as const).flatMap(noun =>
    (Object.keys(WORDS) as (keyof typeof WORDS)[]).map((verb): Command => {
      const weight = verb === 'weight';
      const name = noun === 'vip' ? 'web-fra' : 'fra';
      return {
        path: [noun, verb],
        args: [NAME, ...(weight ? [{ name: 'PERCENT' }] : [])],
        flags: ['reason', 'for', 'by', 'url', 'json', 'timeout'],
        ...(verb !== 'ready' && { required: ['reason'] as const }),
        summary: WORDS[verb](noun === 'vip' ? 'a VIP' : 'every VIP of a site'),
        examples: [
          [`gtm ${noun} ${verb} ${name}${weight ? ' 50%' : ''} --reason "kernel upgrade" --for 30m`, ''],
        ],
        exits: ['refused', 'unreachable', 'timeout'],
        load: async () => (await import('./command/override.ts')).override(noun, verb),
      };
    }),
  ),
  ...LVS_COMMANDS,
  {
    path: ['events'],
    args: [],
    flags: ['follow', 'after', 'url', 'json', 'quiet', 'timeout'],
    summary: 'what happened at a node, oldest first',
    examples: [
      ['gtm events', 'the last thousand'],
      ['gtm events -f --json', 'one object a line, as it happens'],
      ['gtm events --after 41', ''],
    ],
    exits: ['refused', 'unreachable', 'timeout', 'interrupted'],
    load: async () => (await import('./command/events.ts')).run,
  },
  {
    path: ['completion'],
    args: [{ name: 'SHELL', choices: ['bash', 'zsh'] }],
    flags: [],
    summary: 'print the completion for a shell: bash or zsh',
    examples: [
      ['gtm completion bash', 'for /etc/bash_completion.d/gtm'],
      ['gtm completion zsh', 'for _gtm in a folder of $fpath'],
    ],
    exits: [],
    load: async () => (await import('./command/completion.ts')).run,
  },
  {
    path: ['man'],
    args: [],
    flags: [],
    summary: 'print the manual page',
    examples: [['gtm man', 'for /usr/local/share/man/man1/gtm.1']],
    exits: [],
    load: async () => (await import('./command/man.ts')).run,
  },
  {
    path: ['schema'],
    args: [],
    flags: [],
    summary: 'print the JSON Schema of the cluster file, for editors',
    examples: [['gtm schema', 'for gtm.schema.json beside the cluster file']],
    exits: [],
    load: async () => (await import('./command/schema.ts')).run,
  },
  {
    path: ['zone', 'check'],
    args: [{ name: 'ZONE', optional: true, many: true }],
    flags: ['config', 'origin', 'strict', 'json', 'quiet'],
    summary: 'check zones, and print every fault',
    details:
      'ZONE is a zone of the cluster file, or a file: of the zone that --origin says, or else of its own name (example.com.zone). Without one: all zones of the cluster file.',
    examples: [
      ['gtm zone check', ''],
      ['gtm zone check example.com', 'one zone of the cluster file'],
      ['gtm zone check /tmp/new.zone --origin example.com --strict', 'a file'],
    ],
    exits: ['refused'],
    load: async () => (await import('./command/zone.ts')).check,
  },
  {
    path: ['zone', 'print'],
    args: [{ name: 'ZONE' }],
    flags: ['config', 'origin', 'static', 'url', 'json', 'timeout'],
    summary: 'print a zone in canonical order; with --static for name servers that know no pools',
    examples: [
      ['gtm zone print example.com', ''],
      ['gtm zone print example.com --static', 'what the node answers now, as plain records'],
    ],
    exits: ['refused', 'unreachable', 'timeout'],
    load: async () => (await import('./command/zone.ts')).print,
  },
  {
    path: ['zone', 'diff'],
    args: [{ name: 'OLD' }, { name: 'NEW' }],
    flags: ['config', 'origin', 'exit-code', 'json', 'quiet'],
    summary: 'what is other in one zone file than in another: records created, updated, deleted',
    details: 'OLD and NEW are each a zone of the cluster file or a file.',
    examples: [
      ['gtm zone diff example.com /tmp/new.zone', ''],
      ['gtm zone diff old.zone new.zone --origin example.com --exit-code', 'in a pipeline'],
    ],
    exits: ['refused', 'different'],
    load: async () => (await import('./command/zone.ts')).diff,
  },
  {
    path: ['zone', 'ls'],
    args: [],
    flags: ['url', 'json', 'quiet', 'timeout', 'no-color'],
    summary: 'the zones that a node serves',
    examples: [['gtm zone ls', '']],
    exits: ['refused', 'unreachable', 'timeout'],
    load: async () => (await import('./command/zone.ts')).ls,
  },
  ...REALSERVER_COMMANDS,
  {
    path: ['real-server'],
    args: [],
    flags: ['name', 'listen'],
    required: ['name', 'listen'],
    summary: 'run a small HTTP server that says its name: something to forward to',
    examples: [['gtm real-server --name web-fra-1 --listen 127.1.1.1:9001', '']],
    exits: ['refused', 'permission', 'interrupted'],
    load: async () => (await import('./command/real-server.ts')).run,
  },
  {
    path: ['help'],
    args: [
      { name: 'COMMAND', optional: true },
      { name: 'VERB', optional: true },
    ],
    flags: ['markdown'],
    summary: 'print the help of a command',
    examples: [['gtm help vip drain', '']],
    exits: [],
    load: async () => (await import('./command/help.ts')).run,
  },
];
