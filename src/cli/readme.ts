// The README's section on commands, made from the tables; a test holds the README to it.
import type { Command } from './context.ts';
import { EXIT, EXIT_MEANING, type ExitName } from './exit.ts';
import { FLAG_NAMES, FLAGS } from './flag.ts';
import { usageLine } from './help.ts';

export const BEGIN = '<!-- commands -->';
export const END = '<!-- /commands -->';

/** The block, its two markers included, without a final line end. */
export function markdown(all: readonly Command[]): string {
  const commands = all.map(c => `| \`${cell(usageLine(c))}\` | ${cell(c.summary)} |`);
  const flags = FLAG_NAMES.filter(f => FLAGS[f].global).map(f => {
    const { short, value, env, help, default: preset } = FLAGS[f];
    const names = `${short === undefined ? '' : `-${short}, `}--${f}${value === undefined ? '' : ` ${value}`}`;
    return `| \`${names}\` | ${cell(help)} | ${code(env)} | ${code(preset)} |`;
  });
  const exits = (Object.keys(EXIT) as ExitName[]).map(n => `| ${EXIT[n]} | ${EXIT_MEANING[n]} |`);
  return [
    BEGIN,
    ...table(['command', 'what it does'], commands),
    '',
    'Every command takes these, and prints its own flags and examples with `--help`:',
    '',
    ...table(['flag', 'what it does', 'from the environment', 'default'], flags),
    '',
    ...table(['exit code', 'meaning'], exits),
    END,
  ].join('\n');
}

function table(heads: readonly string[], rows: readonly string[]): string[] {
  return [`| ${heads.join(' | ')} |`, `|${heads.map(() => '---').join('|')}|`, ...rows];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function code(text: string | undefined): string {
  return text === undefined ? '' : `\`${text}\``;
}
