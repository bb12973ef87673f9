// A rule line as ipvsadm takes it from stdin, in words with their columns, and its options by one table (short and long forms).
//   `-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 3`  →  verb `add server`, { tcp: …, server: …, masquerading, weight: … }
// As popt reads them: a value stands in the next word, behind `=`, or behind a short option in one word.

export interface Word {
  text: string;
  /** From 1. */
  col: number;
}

export type OptionName = keyof typeof OPTIONS;

/** What a line does: of a service, a server, or the table. */
export type Verb = 'A' | 'E' | 'D' | 'a' | 'e' | 'd' | 'C' | 'set';

export interface RuleLine {
  line: number;
  verb: Verb;
  /** Where the verb stands. */
  at: Word;
  /** Values; a switch has the text ''. */
  options: ReadonlyMap<OptionName, Word>;
  /** Words that belong to no option: what --set takes. */
  rest: readonly Word[];
}

export interface RuleFault {
  line: number;
  at: Word;
  message: string;
}

const VERBS: Readonly<Record<string, Verb>> = {
  '-A': 'A',
  '--add-service': 'A',
  '-E': 'E',
  '--edit-service': 'E',
  '-D': 'D',
  '--delete-service': 'D',
  '-a': 'a',
  '--add-server': 'a',
  '-e': 'e',
  '--edit-server': 'e',
  '-d': 'd',
  '--delete-server': 'd',
  '-C': 'C',
  '--clear': 'C',
  '--set': 'set',
};

/** Verbs that say nothing of what the table is to be. */
const STRANGE = /^(-[RSLlZh]|--(restore|save|list|zero|help|start-daemon|stop-daemon))$/;

/** Short and long form, and whether a value follows: always, or when the next word is a number. */
const OPTIONS = {
  tcp: ['-t', '--tcp-service', 'value'],
  udp: ['-u', '--udp-service', 'value'],
  sctp: ['', '--sctp-service', 'value'],
  fwmark: ['-f', '--fwmark-service', 'value'],
  ipv6: ['-6', '--ipv6', ''],
  scheduler: ['-s', '--scheduler', 'value'],
  persistent: ['-p', '--persistent', 'number'],
  netmask: ['-M', '--netmask', 'value'],
  engine: ['', '--pe', 'value'],
  ops: ['-o', '--ops', ''],
  flags: ['-b', '--sched-flags', 'value'],
  server: ['-r', '--real-server', 'value'],
  gatewaying: ['-g', '--gatewaying', ''],
  ipip: ['-i', '--ipip', ''],
  masquerading: ['-m', '--masquerading', ''],
  weight: ['-w', '--weight', 'value'],
  upper: ['-x', '--u-threshold', 'value'],
  lower: ['-y', '--l-threshold', 'value'],
  tunType: ['', '--tun-type', 'value'],
  tunPort: ['', '--tun-port', 'value'],
  tunNocsum: ['', '--tun-nocsum', ''],
  tunCsum: ['', '--tun-csum', ''],
  tunRemcsum: ['', '--tun-remcsum', ''],
} as const satisfies Record<string, readonly [string, string, '' | 'value' | 'number']>;

const BY_TEXT: ReadonlyMap<string, OptionName> = new Map(
  (Object.keys(OPTIONS) as OptionName[]).flatMap(name =>
    OPTIONS[name].slice(0, 2).map(text => [text, name] as const),
  ),
);

/** How an option is written, for people. */
export function optionText(name: OptionName): string {
  return OPTIONS[name][0] || OPTIONS[name][1];
}

/** One line; undefined where it is empty. `ipvsadm` in front is passed over. */
export function readLine(text: string, line: number): RuleLine | RuleFault | undefined {
  const words = wordsOf(text);
  if (/^(\S*\/)?ipvsadm$/.test(words[0]?.text ?? '')) words.shift();
  if (words.length === 0 || words[0].text.startsWith('#')) return undefined;
  let verb: Verb | undefined;
  let at = words[0];
  const options = new Map<OptionName, Word>();
  const rest: Word[] = [];
  const fault = (word: Word, message: string): RuleFault => ({ line, at: word, message });
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (Object.hasOwn(VERBS, word.text)) {
      if (verb !== undefined) return fault(word, `one command a line: ${at.text} stands there already`);
      verb = VERBS[word.text];
      at = word;
      continue;
    }
    if (STRANGE.test(word.text)) return fault(word, `${word.text} is no rule`);
    if (!word.text.startsWith('-') || word.text === '-') {
      rest.push(word);
      continue;
    }
    const found = optionOf(word);
    if (found === undefined) return fault(word, `no such option: ${word.text}`);
    const { name, value } = found;
    const kind = OPTIONS[name][2];
    if (options.has(name)) return fault(word, `${optionText(name)} stands twice`);
    if (kind === '' && value !== undefined) return fault(word, `${optionText(name)} takes no value`);
    const next = words[i + 1];
    if (kind === '' || value !== undefined) options.set(name, value ?? { text: '', col: word.col });
    else if (kind === 'number' && !/^\d/.test(next?.text ?? ''))
      options.set(name, { text: '', col: word.col });
    else if (next === undefined) return fault(word, `${word.text} wants a value`);
    else {
      options.set(name, next);
      i++;
    }
  }
  if (verb === undefined) return fault(at, 'no command: -A, -E, -D for services, -a, -e, -d for servers');
  if (verb !== 'set' && rest.length > 0) return fault(rest[0], `«${rest[0].text}» belongs to no option`);
  return { line, verb, at, options, rest };
}

// `-w`, `--weight`, `-w3`, `--weight=3`.
function optionOf({ text, col }: Word): { name: OptionName; value?: Word } | undefined {
  const whole = BY_TEXT.get(text);
  if (whole !== undefined) return { name: whole };
  const equals = text.indexOf('=');
  const cut = text.startsWith('--') ? equals : 2;
  if (cut < 2) return undefined;
  const name = BY_TEXT.get(text.slice(0, cut));
  if (name === undefined) return undefined;
  const from = text[cut] === '=' ? cut + 1 : cut;
  return { name, value: { text: text.slice(from), col: col + from } };
}

function wordsOf(text: string): Word[] {
  return [...text.matchAll(/\S+/g)].map(m => ({ text: m[0], col: m.index + 1 }));
}
