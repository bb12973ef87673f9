// The manual page in man(7)'s roff, made from the tables of commands, flags and exit codes.
import type { Command } from './context.ts';
import { EXIT, EXIT_MEANING, type ExitName } from './exit.ts';
import { FLAG_NAMES, FLAGS, type FlagName } from './flag.ts';
import { usageLine } from './help.ts';

/** The page gtm(1). */
export function manual(commands: readonly Command[], version: string): string {
  const globals = FLAG_NAMES.filter(f => FLAGS[f].global);
  return [
    `.TH GTM 1 "" "gtm ${roff(version)}" "Switchyard"`,
    '.SH NAME',
    `gtm \\- ${roff('a DNS-plus-L4 global traffic manager')}`,
    '.SH SYNOPSIS',
    '.B gtm',
    '.I COMMAND',
    roff('[VERB] [ARGUMENT …] [flags]'),
    '.SH DESCRIPTION',
    roff(
      'Answers DNS with the virtual IPs that are healthy now, weighted by the capacity behind them, and forwards what comes to them to real servers. One cluster file describes all sites; every node reads the same one.',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(describe),
    '.SH OPTIONS',
    roff('Every command takes these.'),
    ...globals.flatMap(flag),
    '.SH EXIT STATUS',
    ...(Object.keys(EXIT) as ExitName[]).flatMap(n => entry(`.B ${EXIT[n]}`, EXIT_MEANING[n])),
    '.SH ENVIRONMENT',
    ...FLAG_NAMES.flatMap(f => {
      const { env } = FLAGS[f];
      return env === undefined ? [] : entry(`.B ${roff(env)}`, `stands for --${f} where that is not given`);
    }),
    '.SH FILES',
    ...entry('.I zones/gtm.yaml', 'the cluster file, unless --config names another'),
    '',
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function describe(c: Command): string[] {
  const own = c.flags.filter(f => !FLAGS[f].global);
  return [
    `.SS ${quoted(usageLine(c))}`,
    sentence(c.summary),
    ...(c.details === undefined ? [] : ['.PP', roff(c.details)]),
    ...own.flatMap(flag),
    '.PP',
    'Examples:',
    '.RS',
    '.nf',
    ...c.examples.map(([line, does]) => roff(does === '' ? line : `${line}    # ${does}`)),
    '.fi',
    '.RE',
  ];
}

function flag(name: FlagName): string[] {
  const { short, value, help, env, default: preset } = FLAGS[name];
  const names = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].map(n => `\\fB${roff(n)}\\fR`);
  const notes = [
    env === undefined ? '' : `environment ${env}`,
    preset === undefined ? '' : `default ${preset}`,
  ].filter(Boolean);
  const tail = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  return [
    '.TP',
    `${names.join(', ')}${value === undefined ? '' : ` \\fI${roff(value)}\\fR`}`,
    roff(help + tail),
  ];
}

function entry(head: string, text: string): string[] {
  return ['.TP', head, roff(text)];
}

function sentence(text: string): string {
  return roff(`${text[0].toUpperCase()}${text.slice(1)}.`);
}

function quoted(text: string): string {
  return `"${roff(text).replaceAll('"', '\\(dq')}"`;
}

// Text as roff takes it: no escapes, no requests, hyphens that are minus signs, and letters beyond ASCII by number.
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&')
    .replace(
      /[^\0-\x7f]/gu,
      c => `\\[u${(c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}
