// Tables for a terminal: columns two spaces apart, heads in capitals, no boxes; and the few colours that there are.
import { plain } from '../kit/text.ts';

export type Tone = 'good' | 'bad' | 'hold' | 'dim' | 'bold';

const SGR: Record<Tone, string> = { good: '32', bad: '31', hold: '33', dim: '2', bold: '1' };

/** Colours a text, or leaves it. */
export type Paint = (tone: Tone, text: string) => string;

/** The paint of an output that may be coloured, or may not. */
export function painter(color: boolean): Paint {
  return color ? (tone, text) => `\u001b[${SGR[tone]}m${text}\u001b[0m` : (_, text) => text;
}

export interface Cell {
  text: string;
  tone?: Tone;
}

export interface Column {
  head: string;
  right?: boolean;
}

/** The lines of a table; a column that is empty in all rows is left out. Control characters in cells are taken out. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly (string | Cell)[])[],
  paint: Paint,
): string[] {
  const cells = rows.map(row =>
    row.map(c => (typeof c === 'string' ? { text: plain(c) } : { ...c, text: plain(c.text) })),
  );
  const shown = columns.map((_, i) => i).filter(i => cells.some(row => row[i].text !== ''));
  const widths = columns.map((c, i) => Math.max(width(c.head), ...cells.map(row => width(row[i].text))));
  const line = (row: readonly Cell[]) =>
    shown
      .map((i, at) => {
        const { text, tone } = row[i];
        const painted = tone === undefined ? text : paint(tone, text);
        const gap = ' '.repeat(widths[i] - width(text));
        if (columns[i].right) return gap + painted;
        return at === shown.length - 1 ? painted : painted + gap;
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map(c => ({ text: c.head, tone: 'dim' as const }))), ...cells.map(line)];
}

// Letters, not UTF-16 units; names are ASCII, so that wide letters come in texts of the last column only.
function width(text: string): number {
  return [...text].length;
}
