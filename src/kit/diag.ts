// Diagnostics: one shape for the cluster file, zone files, the admin API and the web.
//   file:line:col: severity: text [CODE]     (the GNU form, so editors and CI jump to it)
//    14 | www  60  A  192.0.2.300
//       |             ^^^^^^^^^^^
//    = help: …

export type Severity = 'error' | 'warning' | 'note';

/** A fault at a place. `line` and `col` count from 1 (col in UTF-16 units); 0 = the file as a whole. `endCol` is exclusive. */
export interface Diagnostic {
  file: string;
  line: number;
  col: number;
  endCol?: number;
  severity: Severity;
  code: string;
  message: string;
  help?: string;
  /** The line holds a secret: it is never shown as an excerpt. */
  hidden?: true;
}

/** A line (from 1) of a file, for the excerpt under a fault; undefined if it is not at hand. */
export type SourceOf = (file: string, line: number) => string | undefined;

/** The lines of a text, as a source of excerpts. */
export function linesOf(text: string): SourceOf {
  const lines = text.split(/\r?\n/);
  return (_, line) => lines[line - 1];
}

/** One diagnostic as text: the head line, and an excerpt with a caret where the source is at hand. */
export function formatDiagnostic(d: Diagnostic, source?: SourceOf): string {
  const place = d.line > 0 ? `${d.file}:${d.line}:${d.col}` : d.file;
  const lines = [`${place}: ${d.severity}: ${d.message} [${d.code}]`];
  const text = d.line > 0 && d.hidden === undefined ? source?.(d.file, d.line) : undefined;
  if (text !== undefined) {
    const number = String(d.line).padStart(5);
    const before = text.slice(0, d.col - 1).replace(/[^\t]/g, ' ');
    const width = Math.max(1, Math.min(d.endCol ?? d.col + 1, text.length + 1) - d.col);
    lines.push(`${number} | ${text}`, `${' '.repeat(5)} | ${before}${'^'.repeat(width)}`);
  }
  if (d.help !== undefined) lines.push(`   = help: ${d.help}`);
  return lines.join('\n');
}

/** «2 errors, 1 warning»; «no faults» if there are none. Notes are not counted. */
export function summarize(all: readonly Diagnostic[]): string {
  const errors = all.filter(d => d.severity === 'error').length;
  const warnings = all.filter(d => d.severity === 'warning').length;
  const count = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;
  if (errors === 0 && warnings === 0) return 'no faults';
  return [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : '']
    .filter(Boolean)
    .join(', ');
}

export function hasErrors(all: readonly Diagnostic[]): boolean {
  return all.some(d => d.severity === 'error');
}

/** In reading order: by file as first met, then line, then column. */
export function sortDiagnostics(all: readonly Diagnostic[]): Diagnostic[] {
  const files = [...new Set(all.map(d => d.file))];
  return [...all].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.col - b.col,
  );
}
