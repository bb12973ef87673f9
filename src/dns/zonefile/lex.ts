// The lexer of master files (RFC 1035 §5.1): bytes → entries → tokens. An entry is one record or directive: a line, or
// several lines within parentheses. Its tokens lie in columns that the next entry overwrites; escapes stay unread.
// A quoted string ends on its line, and parentheses do not nest: so a forgotten one is found where it was opened,
// and the file goes on behind it. Each byte is read at most twice.

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;

/** The bytes that end an unquoted token. */
const ENDS = new Uint8Array(256);
for (const byte of [TAB, LF, CR, SPACE, QUOTE, OPEN, CLOSE, SEMICOLON]) ENDS[byte] = 1;

/** What the lexer found wrong with an entry, and where. */
export interface LexFault {
  fault: 'quote' | 'open' | 'close';
  line: number;
  col: number;
}

/** Tokens that have room at first: what most entries have, so that a small file costs little. */
const ROOM = 16;

export class Lexer {
  readonly bytes: Uint8Array;
  /** Tokens of this entry. */
  count = 0;
  /** Token i is bytes[start[i]..end[i]), for a quoted one without its quotes. */
  start = new Int32Array(ROOM);
  end = new Int32Array(ROOM);
  /** Line, from 1, and the offset at which that line begins. */
  line = new Int32Array(ROOM);
  lineStart = new Int32Array(ROOM);
  /** 1 = it was quoted. */
  quoted = new Uint8Array(ROOM);
  /** The entry begins with a blank: it inherits its owner. */
  blank = false;
  /** The entry cannot be trusted: its first fault. */
  fault: LexFault | undefined;
  readonly #ascii: boolean;
  readonly #buffer: Buffer;
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string | Uint8Array) {
    this.bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
    this.#buffer = Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    this.#ascii = isAscii(this.bytes);
    // A byte order mark, as some editors leave it.
    if (this.#buffer.subarray(0, 3).equals(BOM)) this.#at = this.#lineStart = BOM.length;
  }

  /** Reads the next entry that has tokens or a fault into the columns; false at the end of the file. */
  next(): boolean {
    const { bytes } = this;
    this.count = 0;
    this.fault = undefined;
    this.blank = this.#isBlank(this.#at);
    let opened = -1;
    let openedLine = 0;
    let openedLineStart = 0;
    while (this.#at < bytes.length) {
      const c = bytes[this.#at];
      if (c === LF) {
        this.#newline();
        if (opened >= 0) continue;
        if (this.count > 0 || this.fault !== undefined) return true;
        this.blank = this.#isBlank(this.#at);
      } else if (c === SPACE || c === TAB || c === CR) {
        this.#at++;
      } else if (c === SEMICOLON) {
        this.#skipLine();
      } else if (c === QUOTE) {
        this.#string();
      } else if (c === OPEN) {
        if (opened >= 0) break;
        opened = this.#at++;
        openedLine = this.#line;
        openedLineStart = this.#lineStart;
      } else if (c === CLOSE) {
        if (opened < 0) this.#fail('close', this.#at);
        opened = -1;
        this.#at++;
      } else {
        this.#word();
      }
    }
    if (opened >= 0) {
      // What else is wrong behind it is found when it is read again.
      this.fault = { fault: 'open', line: openedLine, col: this.#column(opened, openedLineStart) };
      this.#recover(opened, openedLine, openedLineStart);
    }
    return this.count > 0 || this.fault !== undefined;
  }

  /** Column of token i, from 1, in UTF-16 units; with its quote. */
  col(i: number): number {
    return this.#column(this.start[i] - this.quoted[i], this.lineStart[i]);
  }

  /** Column behind token i. */
  endCol(i: number): number {
    return this.#column(this.end[i] + this.quoted[i], this.lineStart[i]);
  }

  /** The text of token i as it stands, escapes unread. */
  text(i: number): string {
    return this.#ascii
      ? this.#buffer.toString('latin1', this.start[i], this.end[i])
      : this.#buffer.toString('utf8', this.start[i], this.end[i]);
  }

  #word(): void {
    const { bytes } = this;
    const start = this.#at;
    let at = start;
    while (at < bytes.length && ENDS[bytes[at]] === 0) {
      // A backslash takes the next byte with it, but for a line's end.
      at += bytes[at] === BACKSLASH && at + 1 < bytes.length && !this.#endsLine(at + 1) ? 2 : 1;
    }
    this.#at = at;
    this.#push(start, at, 0);
  }

  #string(): void {
    const { bytes } = this;
    const start = this.#at + 1;
    let at = start;
    while (at < bytes.length && bytes[at] !== QUOTE && bytes[at] !== LF) {
      at += bytes[at] === BACKSLASH && at + 1 < bytes.length && !this.#endsLine(at + 1) ? 2 : 1;
    }
    if (bytes[at] === QUOTE) {
      this.#push(start, at, 1);
      this.#at = at + 1;
    } else {
      this.#fail('quote', start - 1);
      this.#at = at;
    }
  }

  #push(start: number, end: number, quoted: number): void {
    const i = this.count++;
    if (i === this.quoted.length) this.#grow();
    this.start[i] = start;
    this.end[i] = end;
    this.line[i] = this.#line;
    this.lineStart[i] = this.#lineStart;
    this.quoted[i] = quoted;
  }

  #fail(fault: 'quote' | 'close', at: number): void {
    this.fault ??= { fault, line: this.#line, col: this.#column(at, this.#lineStart) };
  }

  // Goes on behind the line of an open parenthesis that nothing closes: lines that begin with a blank (or the lost
  // parenthesis) were meant to be inside it.
  #recover(opened: number, line: number, lineStart: number): void {
    this.#at = opened;
    this.#line = line;
    this.#lineStart = lineStart;
    do {
      this.#skipLine();
      this.#newline();
    } while (this.#at < this.bytes.length && (this.#isBlank(this.#at) || this.bytes[this.#at] === CLOSE));
  }

  #skipLine(): void {
    const end = this.bytes.indexOf(LF, this.#at);
    this.#at = end < 0 ? this.bytes.length : end;
  }

  #newline(): void {
    this.#at++;
    this.#line++;
    this.#lineStart = this.#at;
  }

  #isBlank(at: number): boolean {
    return this.bytes[at] === SPACE || this.bytes[at] === TAB;
  }

  #endsLine(at: number): boolean {
    return this.bytes[at] === LF || (this.bytes[at] === CR && this.bytes[at + 1] === LF);
  }

  #column(at: number, lineStart: number): number {
    if (this.#ascii) return at - lineStart + 1;
    return this.#buffer.toString('utf8', lineStart, at).length + 1;
  }

  #grow(): void {
    const size = this.quoted.length * 2;
    for (const key of ['start', 'end', 'line', 'lineStart'] as const) {
      const wider = new Int32Array(size);
      wider.set(this[key]);
      this[key] = wider;
    }
    const wider = new Uint8Array(size);
    wider.set(this.quoted);
    this.quoted = wider;
  }
}

// Columns are counted in UTF-16 units; in plain ASCII, which is nearly always, these are the octets.
function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] >= 0x80) return false;
  return true;
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
