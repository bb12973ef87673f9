// A TypeScript text with its comments (and, if wanted, what stands in its strings and regular expressions) made blank.
// A scanner and no parser: it tells a division from a regular expression by what stands before it.

const BEFORE_REGEX =
  /(?:^|[=([{,;:!&|?+\-*%~^<>}]|\b(?:return|typeof|case|in|of|void|throw|yield|await))\s*$/;

/** The text with blanks in place of what is cut; the same length and lines. */
export function bare(text: string, cut: 'comments' | 'comments and texts'): string {
  const out = text.split('');
  const texts = cut === 'comments and texts';
  const blank = (from: number, to: number, really: boolean) => {
    for (let i = from; i < to && really; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  // Depth of braces at which an open template goes on.
  const templates: number[] = [];
  let depth = 0;
  let code = '';
  for (let at = 0; at < text.length; ) {
    const two = text.slice(at, at + 2);
    const from = at;
    if (two === '//') {
      while (at < text.length && text[at] !== '\n') at++;
      blank(from, at, true);
    } else if (two === '/*') {
      at = text.indexOf('*/', at + 2) + 2;
      blank(from, at, true);
    } else if (text[at] === "'" || text[at] === '"') {
      at = skip(text, at, text[at]);
      blank(from + 1, at - 1, texts);
      code = "'";
    } else if (text[at] === '/' && BEFORE_REGEX.test(code)) {
      at = skip(text, at, '/');
      blank(from + 1, at - 1, texts);
      code = "'";
    } else if (text[at] === '`' || (text[at] === '}' && templates.at(-1) === depth)) {
      if (text[at] === '}') templates.pop();
      at++;
      while (at < text.length && text[at] !== '`' && text.slice(at, at + 2) !== '${')
        at += text[at] === '\\' ? 2 : 1;
      blank(from + 1, at, texts);
      if (text[at] === '`') {
        at++;
        code = "'";
      } else {
        at += 2;
        templates.push(depth);
        code = '{';
      }
    } else {
      if (text[at] === '{') depth++;
      if (text[at] === '}') depth--;
      code = (code + text[at]).slice(-16);
      at++;
    }
  }
  return out.join('');
}

// Past the closing `quote`; in a regular expression a class may hold it.
function skip(text: string, start: number, quote: string): number {
  let inClass = false;
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (quote === '/' && text[at] === '[') inClass = true;
    else if (quote === '/' && text[at] === ']') inClass = false;
    else if (text[at] === quote && !inClass) return at + 1;
  }
  return text.length;
}
