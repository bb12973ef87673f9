// Help, made from the tables: an overview, a noun's verbs, one command.
import type { Arg, Command } from './context.ts';
import { EXIT, EXIT_MEANING } from './exit.ts';
import { FLAG_NAMES, FLAGS, type FlagName } from './flag.ts';

/** The command line of a command: `gtm vip weight NAME PERCENT --reason TEXT [flags]`. */
export function usageLine(c: Command): string {
  const args = c.args.map(argText);
  const must = (c.required ?? []).map(f => `--${f} ${FLAGS[f].value}`);
  const rest = c.flags.length > must.length ? ['[flags]'] : [];
  return ['gtm', ...c.path, ...args, ...must, ...rest].join(' ');
}

/** What `gtm --help` prints. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map((c): [string, string] => [
    [...c.path, ...c.args.map(argText)].join(' '),
    c.summary,
  ]);
  return `gtm: a DNS-plus-L4 global traffic manager

Try:
  gtm demo                        the sample cluster, on loopback
  gtm status                      what it does
  gtm dig www.example.com         ask it

Commands:
${columns(rows)}

Global flags:
${columns(FLAG_NAMES.filter(f => FLAGS[f].global).map(flagRow))}

Exit codes:
${columns(exitRows(Object.keys(EXIT) as (keyof typeof EXIT)[]))}

More: gtm COMMAND --help
`;
}

/** The help of one command. */
export function commandHelp(c: Command): string {
  const parts = [`${usageLine(c)}\n  ${c.summary}`];
  if (c.details !== undefined) parts.push(c.details);
  parts.push(`Examples:\n${columns(c.examples.map(([line, does]) => [line, does]))}`);
  if (c.flags.length > 0) parts.push(`Flags:\n${columns(c.flags.map(flagRow))}`);
  parts.push(`Exit codes:\n${columns(exitRows(['ok', ...c.exits, 'usage']))}`);
  parts.push('Global flags: gtm --help');
  return `${parts.join('\n\n')}\n`;
}

/** The help of a noun: its verbs. */
export function nounHelp(noun: string, commands: readonly Command[]): string {
  const rows = commands
    .filter(c => c.path[0] === noun)
    .map((c): [string, string] => [usageLine(c), c.summary]);
  return `gtm ${noun} VERB\n\n${columns(rows)}\n`;
}

function argText(a: Arg): string {
  const text = a.many ? `${a.name} …` : a.name;
  return a.optional ? `[${text}]` : text;
}

function flagRow(name: FlagName): [string, string] {
  const { short, value, env, help, default: preset } = FLAGS[name];
  const left = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  const notes = [
    env === undefined ? '' : `env ${env}`,
    preset === undefined ? '' : `default ${preset}`,
  ].filter(Boolean);
  return [left, notes.length === 0 ? help : `${help} (${notes.join(', ')})`];
}

function exitRows(names: readonly (keyof typeof EXIT)[]): [string, string][] {
  return [...names].sort((a, b) => EXIT[a] - EXIT[b]).map(n => [String(EXIT[n]), EXIT_MEANING[n]]);
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(r => r[0].length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join('\n');
}
