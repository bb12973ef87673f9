// $GENERATE as BIND has it: `$GENERATE 1-9/2 host-$ 60 IN A 192.0.2.$`, one record for each number of the range. In owner
// and rdata `$` is the number, `${offset,width,base}` another form of it (bases d o x X, and n N: nibbles with dots, the
// lowest first), `\$` and `$$` a dollar. A template is read once, so that its faults stand at their own column.

/** The numbers start, start + step … up to stop. */
export interface Range {
  start: number;
  stop: number;
  step: number;
}

/** What a template is wrong with, `at` characters behind its beginning. */
export interface TemplateFault {
  at: number;
  length: number;
  message: string;
}

/** A text, or a form of the number. */
type Part = string | { offset: number; width: number; base: Base };
type Base = 'd' | 'o' | 'x' | 'X' | 'n' | 'N';
export type Template = readonly Part[];

const MOST = 0x7fffffff;
const WIDEST = 255;

/** `1-9` or `1-9/2`; a text says what is wrong. */
export function parseRange(text: string): Range | string {
  const m = /^(\d{1,10})-(\d{1,10})(?:\/(\d{1,10}))?$/.exec(text);
  if (m === null) return 'a range is START-STOP or START-STOP/STEP';
  const [start, stop, step] = [m[1], m[2], m[3] ?? '1'].map(Number);
  if (start > MOST || stop > MOST || step > MOST) return `a number is over ${MOST}`;
  if (start > stop) return `the range begins above its end`;
  return step === 0 ? 'the step is 0' : { start, stop, step };
}

/** How many numbers a range has. */
export function rangeSize(range: Range): number {
  return Math.floor((range.stop - range.start) / range.step) + 1;
}

/** Takes a text apart. */
export function parseTemplate(text: string): Template | TemplateFault {
  const parts: Part[] = [];
  let plain = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && i + 1 < text.length) plain += text[i] + text[++i];
    else if (text[i] !== '$') plain += text[i];
    else if (text[i + 1] === '$') {
      // A bare $ means something at the head of a name; escaped it is always itself.
      plain += '\\$';
      i++;
    } else {
      const end = text[i + 1] === '{' ? text.indexOf('}', i) : i;
      const form = parseForm(end < 0 ? '' : text.slice(i + 2, end), end === i);
      if (form === undefined) return badForm(text, i, end);
      parts.push(plain, form);
      plain = '';
      i = end;
    }
  }
  parts.push(plain);
  return parts;
}

function parseForm(text: string, bare: boolean): Part | undefined {
  if (bare) return { offset: 0, width: 0, base: 'd' };
  const m = /^([-+]?\d{1,10})(?:,(\d{1,3})(?:,([doxXnN]))?)?$/.exec(text);
  if (m === null) return undefined;
  const [offset, width] = [Number(m[1]), Number(m[2] ?? 0)];
  return Math.abs(offset) > MOST || width > WIDEST
    ? undefined
    : { offset, width, base: (m[3] ?? 'd') as Base };
}

function badForm(text: string, at: number, end: number): TemplateFault {
  const shape = `\${OFFSET[,WIDTH[,BASE]]}`;
  const rule = `offset up to ${MOST}, width up to ${WIDEST}, base d, o, x, X, n or N`;
  if (end < 0) return { at, length: text.length - at, message: 'the brace that opens here is not closed' };
  return { at, length: end + 1 - at, message: `«${text.slice(at, end + 1)}» is not ${shape}: ${rule}` };
}

/** The text for a number; undefined if the number and an offset are beyond 31 bits. */
export function expand(template: Template, number: number): string | undefined {
  let text = '';
  for (const part of template) {
    if (typeof part === 'string') text += part;
    else {
      const value = number + part.offset;
      if (Math.abs(value) > MOST) return undefined;
      text += write(value, part.width, part.base);
    }
  }
  return text;
}

// As C's printf writes it: zeros to the width, a sign counts; below 0 the other bases show 32 bits.
function write(value: number, width: number, base: Base): string {
  switch (base) {
    case 'd':
      return value < 0 ? `-${String(-value).padStart(width - 1, '0')}` : String(value).padStart(width, '0');
    case 'o':
      return (value >>> 0).toString(8).padStart(width, '0');
    case 'x':
    case 'X': {
      const hex = (value >>> 0).toString(16).padStart(width, '0');
      return base === 'X' ? hex.toUpperCase() : hex;
    }
    default: {
      const nibbles = [...(value >>> 0).toString(16)].reverse();
      // The width counts the dots, and one that is even ends with one.
      const text = nibbles.join('.').padEnd(width, '.0');
      return base === 'N' ? text.toUpperCase() : text;
    }
  }
}
