// The table of flags. A command names those that it takes; the global ones are taken by all. A value comes from the
// command line, else from the environment, else from the default.

export interface Flag {
  short?: string;
  /** What its value is called in the help; a flag without one is a switch. */
  value?: string;
  env?: string;
  default?: string;
  help: string;
  /** Taken by every command. */
  global?: boolean;
}

const TABLE = {
  config: {
    short: 'c',
    value: 'FILE',
    env: 'GTM_CONFIG',
    default: 'zones/gtm.yaml',
    help: 'the cluster file',
    global: true,
  },
  node: { value: 'NAME', env: 'GTM_NODE', help: 'which node of the cluster file is meant', global: true },
  url: {
    value: 'URL',
    env: 'GTM_URL',
    default: 'http://127.0.0.1:8053',
    help: 'admin address of the node to talk to',
    global: true,
  },
  json: { help: 'print JSON on stdout', global: true },
  quiet: { short: 'q', help: 'print nothing but errors; the exit code tells', global: true },
  verbose: { short: 'v', help: 'say more: log level debug, and where an error came from', global: true },
  'log-level': { value: 'LEVEL', help: 'error, warn, info or debug', global: true },
  'no-color': {
    env: 'NO_COLOR',
    help: 'no colours (they are off anyway where the output is no terminal)',
    global: true,
  },
  timeout: { value: 'TIME', default: '5s', help: 'how long to wait for a reply', global: true },
  help: { short: 'h', help: 'print the help of the command', global: true },
  version: { help: 'print the version', global: true },

  strict: { help: 'let warnings fail the check, too' },
  watch: { help: 'print it again every two seconds, until Ctrl-C' },
  tcp: { help: 'ask over TCP' },
  explain: { help: 'ask the node how its answer comes about, and print that, too' },
  from: {
    value: 'ADDR',
    help: 'the client: whom an explained answer would be for, or, with a port, who sends',
  },
  to: { value: 'ADDR:PORT', help: 'where the packet goes (default: the first service)' },
  protocol: { value: 'NAME', help: 'tcp or udp' },
  check: { help: 'only check, print nothing but faults' },
  site: { value: 'NAME', help: 'the site that is written into what comes out' },
  dir: { value: 'DIR', default: 'zones', help: 'the folder to write into' },
  packet: { value: 'N', help: 'this packet of the capture file, in full' },
  reason: { value: 'TEXT', help: 'why, in one line; everyone sees it' },
  for: { value: 'TIME', help: 'end by itself after this time, such as 30m (default: when it is taken back)' },
  by: { value: 'WHO', env: 'USER', help: 'who says so' },
  name: { value: 'NAME', help: 'the name that it says' },
  listen: { value: 'ADDR:PORT', help: 'where it listens' },
  stats: { help: 'what went through since the start' },
  rate: { help: 'what goes through a second' },
  conns: { help: 'the connections that are open' },
  numeric: { short: 'n', help: 'addresses instead of names' },
  exact: { help: 'numbers in full, however long' },
  follow: { short: 'f', help: 'go on with what happens, until Ctrl-C' },
  after: { value: 'N', help: 'only events with a higher number' },
  origin: { value: 'ZONE', help: 'the zone that a file is of' },
  static: { help: 'ask the node: each POOL as the addresses that it answers with now' },
  'exit-code': { help: 'exit with 5 if there are differences' },
  mode: { value: 'MODE', help: 'nat, dr, tun or fullnat' },
  vip: { value: 'ADDR,…', help: 'the VIPs that clients ask for' },
  director: {
    value: 'ADDR,…',
    help: 'nat: the director on the link of this host; fullnat: its local addresses',
  },
  interface: {
    value: 'LINK',
    help: 'the link that packets come in by (default: that of the way to the director)',
  },
  tunnel: { value: 'TYPE', default: 'ipip', help: 'tun: ipip, gre or gue' },
  address: {
    value: 'ADDR',
    help: 'tun: the address of this host that the director sends to (default: the first of the link)',
  },
  'tunnel-port': { value: 'PORT', default: '6080', help: 'tun: where GUE comes in' },
  yes: { short: 'y', help: 'do it; without, it is only told' },
  state: {
    value: 'FILE',
    default: '/var/lib/switchyard/realserver.json',
    help: 'where it is kept how to undo what was done',
  },
  markdown: { help: 'print the table of commands as Markdown, as the README has it' },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof TABLE;
export const FLAGS: Record<FlagName, Flag> = TABLE;
export const FLAG_NAMES = Object.keys(TABLE) as FlagName[];

export type Environment = Readonly<Record<string, string | undefined>>;

/** The flags of one run. */
export class FlagValues {
  readonly #given: ReadonlyMap<FlagName, string | true>;
  readonly #env: Environment;

  constructor(given: ReadonlyMap<FlagName, string | true>, env: Environment) {
    this.#given = given;
    this.#env = env;
  }

  /** Whether a switch is on. As no-color.org has it, any value in the environment that is not empty counts. */
  on(name: FlagName): boolean {
    return this.#given.has(name) || this.#fromEnv(name) !== undefined;
  }

  /** The value: of the command line, of the environment (if not empty), the default. */
  text(name: FlagName): string | undefined {
    const given = this.#given.get(name);
    return typeof given === 'string' ? given : (this.#fromEnv(name) ?? FLAGS[name].default);
  }

  #fromEnv(name: FlagName): string | undefined {
    const { env } = FLAGS[name];
    return (env === undefined ? undefined : this.#env[env]) || undefined;
  }
}
