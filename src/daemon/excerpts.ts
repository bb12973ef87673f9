// The lines that faults point to, taken out of a text while it is there: a file of a hundred megabytes is not kept for
// the one line that an excerpt shows.
import type { Diagnostic, SourceOf } from '../kit/diag.ts';

export interface Excerpt {
  file: string;
  line: number;
  text: string;
}

const LF = 0x0a;
/** A longer line says nothing to a reader: it is left out. */
const LONGEST = 4096;

/** The lines of `text` that diagnostics of `file` point to, each once. What holds a secret is left out. */
export function excerptsOf(file: string, text: Buffer, diagnostics: readonly Diagnostic[]): Excerpt[] {
  const wanted = new Set<number>();
  for (const d of diagnostics)
    if (d.file === file && d.line > 0 && d.hidden === undefined) wanted.add(d.line);
  const found: Excerpt[] = [];
  let line = 1;
  let at = 0;
  for (const next of [...wanted].sort((a, b) => a - b)) {
    for (; line < next && at >= 0; line++) at = text.indexOf(LF, at) + 1 || -1;
    if (at < 0) break;
    const end = text.indexOf(LF, at);
    const bytes = text.subarray(at, end < 0 ? text.length : end);
    if (bytes.length <= LONGEST) found.push({ file, line, text: bytes.toString('utf8').replace(/\r$/, '') });
  }
  return found;
}

/** Looks excerpts up. */
export function sourceOf(excerpts: readonly Excerpt[]): SourceOf {
  const texts = new Map(excerpts.map(e => [`${e.line} ${e.file}`, e.text]));
  return (file, line) => texts.get(`${line} ${file}`);
}
