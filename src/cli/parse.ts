// The command line, by the tables of commands.ts and flag.ts: which command, its arguments, its flags. Whatever is wrong
// is said with what was meant, if that is sure.
import { parseArgs } from 'node:util';
import { GtmError } from '../kit/errors.ts';
import { nearest } from '../kit/suggest.ts';
import type { Command } from './context.ts';
import { FLAG_NAMES, FLAGS, type FlagName } from './flag.ts';

export interface Parsed {
  /** undefined: no command was named. */
  command: Command | undefined;
  args: string[];
  given: Map<FlagName, string | true>;
}

const OPTIONS = Object.fromEntries(
  FLAG_NAMES.map(name => {
    const { short, value } = FLAGS[name];
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    return [name, short === undefined ? { type } : { type, short }];
  }),
);

/** Parses what follows `gtm`. Throws GTM_USAGE. With --help or --version the arguments are not checked. */
export function parseLine(argv: readonly string[], commands: readonly Command[]): Parsed {
  const { tokens } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<FlagName, string | true>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    else if (token.kind === 'option') readFlag(token, given);
  }
  const command = find(words, commands);
  if (command === undefined && words.length === 0) return { command, args: [], given };
  if (given.has('help') || given.has('version')) return { command, args: words, given };
  if (command === undefined) throw unknownCommand(words, commands);
  const args = words.slice(command.path.length);
  checkArgs(command, args, commands);
  checkFlags(command, given);
  return { command, args, given };
}

/** The command that the words begin with, the longest path first. */
export function find(words: readonly string[], commands: readonly Command[]): Command | undefined {
  return commands
    .filter(c => c.path.every((w, i) => words[i] === w))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** What it should have been, for words that name no command. */
export function unknownCommand(words: readonly string[], commands: readonly Command[]): GtmError {
  const verbs = commands.filter(c => c.path.length > 1 && c.path[0] === words[0]).map(c => c.path[1]);
  if (verbs.length > 0) {
    const what =
      words.length === 1 ? `«${words[0]}» needs a verb` : `«${words[0]}» has no verb «${words[1]}»`;
    return usage(`${what}: ${verbs.join(', ')}${didYouMean(words[1], verbs)}`);
  }
  const firsts = new Set(commands.map(c => c.path[0]));
  const hint = didYouMean(words[0], firsts) || '; see gtm --help';
  return usage(`unknown command «${words[0]}»${hint}`);
}

function readFlag(
  token: { name: string; rawName: string; value: string | undefined; inlineValue: boolean | undefined },
  given: Map<FlagName, string | true>,
): void {
  const name = FLAG_NAMES.find(f => f === token.name);
  if (name === undefined) {
    const near = token.name.length > 1 ? nearest(token.name, FLAG_NAMES) : undefined;
    throw usage(`unknown flag ${token.rawName}${near === undefined ? '' : `; did you mean --${near}?`}`);
  }
  const { value } = FLAGS[name];
  if (value === undefined) {
    if (token.value !== undefined) throw usage(`--${name} takes no value`);
    given.set(name, true);
    return;
  }
  // `--reason --for 1h`: the value was forgotten. One that begins with a dash is written as --reason=-….
  const forgotten = !token.inlineValue && token.value !== undefined && /^-./.test(token.value);
  if (token.value === undefined || token.value === '' || forgotten)
    throw usage(`--${name} needs a value: --${name} ${value}`);
  given.set(name, token.value);
}

function checkArgs(command: Command, args: readonly string[], commands: readonly Command[]): void {
  const line = command.path.join(' ');
  const many = command.args.at(-1)?.many === true;
  if (args.length > command.args.length && !many) {
    const verbs = commands
      .filter(c => c.path.length > 1 && c.path[0] === command.path[0])
      .map(c => c.path[1]);
    const extra = args[command.args.length];
    throw usage(`${line}: one argument too many: «${extra}»${didYouMean(extra, verbs)}`);
  }
  const needed = command.args.filter(a => !a.optional);
  if (args.length < needed.length)
    throw usage(`${line}: ${needed[args.length].name} is missing; see gtm ${line} --help`);
}

function checkFlags(command: Command, given: ReadonlyMap<FlagName, unknown>): void {
  const line = command.path.join(' ');
  for (const name of given.keys())
    if (!FLAGS[name].global && !command.flags.includes(name)) throw usage(`${line} takes no --${name}`);
  for (const name of command.required ?? [])
    if (!given.has(name)) throw usage(`${line}: --${name} is missing: ${FLAGS[name].help}`);
}

function didYouMean(word: string | undefined, candidates: Iterable<string>): string {
  const near = word === undefined ? undefined : nearest(word, candidates);
  return near === undefined ? '' : `; did you mean «${near}»?`;
}

function usage(message: string): GtmError {
  return new GtmError('GTM_USAGE', message);
}
