// Completion scripts for bash and zsh, made from the tables of commands and flags: commands, verbs, choices, flags, files.
// The scripts know the command line as parse.ts does: words that are no flag, nor a flag's value, name the command.
import type { Command } from './context.ts';
import { FLAG_NAMES, FLAGS, type FlagName } from './flag.ts';

/** A script for each shell that is known. */
export const SHELLS = { bash, zsh } as const;

const GLOBAL = FLAG_NAMES.filter(f => FLAGS[f].global);

/** Ways to write a flag: `--config`, `-c`. */
function spellings(name: FlagName): string[] {
  const { short } = FLAGS[name];
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

function valued(match: (value: string) => boolean): string {
  return FLAG_NAMES.filter(f => match(FLAGS[f].value ?? ''))
    .flatMap(spellings)
    .join('|');
}

/** What may follow these words: verbs of a noun, or choices of a command's first argument. */
function followers(commands: readonly Command[]): Map<string, [string, string][]> {
  const found = new Map<string, [string, string][]>();
  const add = (after: string, word: string, help: string) => {
    const list = found.get(after) ?? [];
    if (!list.some(([w]) => w === word)) list.push([word, help]);
    found.set(after, list);
  };
  for (const c of commands) {
    const noun = commands.some(o => o.path.length > 1 && o.path[0] === c.path[0]);
    const verbs = commands.filter(o => o.path.length > 1 && o.path[0] === c.path[0]).map(o => o.path[1]);
    add('', c.path[0], noun && c.path.length > 1 ? verbs.join(', ') : c.summary);
    if (c.path.length > 1) add(c.path[0], c.path[1], c.summary);
    for (const choice of c.args[0]?.choices ?? []) add(c.path.join(' '), choice, '');
  }
  return found;
}

function flagsOf(c: Command): FlagName[] {
  return [...new Set([...c.flags, ...GLOBAL])];
}

// The longest path first: `demo stop` before `demo`.
function byLength(commands: readonly Command[]): Command[] {
  return [...commands].sort((a, b) => b.path.length - a.path.length);
}

function bash(commands: readonly Command[]): string {
  const cases = [...followers(commands)].map(
    ([after, list]) =>
      `    '${after}') COMPREPLY=($(compgen -W '${list.map(([w]) => w).join(' ')}' -- "$cur")) ;;`,
  );
  const flags = byLength(commands).map(
    c =>
      `      '${c.path.join(' ')}'*) flags='${flagsOf(c)
        .map(f => `--${f}`)
        .join(' ')}' ;;`,
  );
  return `# bash completion for gtm, made by: gtm completion bash
_gtm() {
  local cur prev='' line word flags
  local -a all words=()
  line=\${COMP_LINE:0:COMP_POINT}
  read -ra all <<< "$line"
  cur=\${COMP_WORDS[COMP_CWORD]}
  [[ $line == *[[:space:]] ]] || unset 'all[\${#all[@]}-1]'
  for word in "\${all[@]:1}"; do
    case $prev in
      ${valued(v => v !== '')}) prev='' ; continue ;;
    esac
    case $word in
      -*) prev=$word ;;
      *) prev='' ; words+=("$word") ;;
    esac
  done
  case $prev in
    ${valued(v => v === 'FILE')}) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${valued(v => v === 'LEVEL')}) COMPREPLY=($(compgen -W 'error warn info debug' -- "$cur")); return ;;
    ${valued(v => v !== '' && v !== 'FILE' && v !== 'LEVEL')}) return ;;
  esac
  if [[ $cur == -* ]]; then
    case "\${words[*]}" in
${flags.join('\n')}
      *) flags='${GLOBAL.map(f => `--${f}`).join(' ')}' ;;
    esac
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    return
  fi
  case "\${words[*]}" in
${cases.join('\n')}
  esac
}
complete -F _gtm gtm
`;
}

function zsh(commands: readonly Command[]): string {
  const quoted = (word: string, help: string) =>
    `'${word.replaceAll(':', '\\:')}${help === '' ? '' : `:${help.replaceAll("'", "'\\''")}`}'`;
  const described = (rows: readonly (readonly [string, string])[]) =>
    rows.map(([word, help]) => `        ${quoted(word, help)}`).join('\n');
  const flagRows = (names: readonly FlagName[]) =>
    described(names.map(f => [`--${f}`, FLAGS[f].help] as const));
  const cases = [...followers(commands)].map(
    ([after, list]) => `    '${after}')\n      list=(\n${described(list)}\n      ) ;;`,
  );
  const flags = byLength(commands).map(
    c => `      '${c.path.join(' ')}'*)\n      list=(\n${flagRows(flagsOf(c))}\n      ) ;;`,
  );
  return `#compdef gtm
# zsh completion for gtm, made by: gtm completion zsh
_gtm() {
  local prev='' word
  local -a list named
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $prev in
      ${valued(v => v !== '')}) prev='' ; continue ;;
    esac
    case $word in
      -*) prev=$word ;;
      *) prev='' ; named+=("$word") ;;
    esac
  done
  case $prev in
    ${valued(v => v === 'FILE')}) _files; return ;;
    ${valued(v => v === 'LEVEL')}) list=(error warn info debug); _describe level list; return ;;
    ${valued(v => v !== '' && v !== 'FILE' && v !== 'LEVEL')}) return 1 ;;
  esac
  if [[ $words[CURRENT] == -* ]]; then
    case "\${named[*]}" in
${flags.join('\n')}
      *)
      list=(
${flagRows(GLOBAL)}
      ) ;;
    esac
    _describe -o flag list
    return
  fi
  case "\${named[*]}" in
${cases.join('\n')}
    *) return 1 ;;
  esac
  _describe command list
}
if [ "$funcstack[1]" = "_gtm" ]; then
  _gtm "$@"
else
  compdef _gtm gtm
fi
`;
}
