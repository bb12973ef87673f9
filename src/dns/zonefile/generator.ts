// The records of one $GENERATE: its templates over the entry that holds it, and faults at the word that they are about.
// One quoted string for the whole rdata is read as what stands in it, since that is how BIND wants several words written.
import { MAX_NAME, nameFault, scanName } from '../name.ts';
import { show } from './faults.ts';
import { expand, parseTemplate, type Template } from './generate.ts';
import { Lexer } from './lex.ts';
import type { RdataScanner } from './rdata.ts';
import type { Reading } from './reading.ts';

/** The token of the owner. */
const OWNER = 2;

export class Generator {
  /** Without: a template has a fault, which has been reported. */
  readonly ok: boolean;
  readonly #reading: Reading;
  /** The first token of the rdata. */
  readonly #first: number;
  /** The rdata is what stands in one quoted string. */
  readonly #inQuotes: boolean;
  /** The words of the rdata as they stand, for their places. */
  readonly #words: Lexer;
  readonly #owner: Template;
  readonly #rdata: Template;
  readonly #name = new Uint8Array(MAX_NAME);

  /** `type` is the token of the type. */
  constructor(reading: Reading, type: number) {
    const { lex } = reading;
    this.#reading = reading;
    this.#first = type + 1;
    this.#inQuotes = lex.count === type + 2 && lex.quoted[type + 1] === 1;
    const owner = this.#template(OWNER);
    const parts: Template[] = [];
    const texts: string[] = [];
    for (let i = type + 1; i < lex.count; i++) {
      const quote = lex.quoted[i] === 1 && !this.#inQuotes ? '"' : '';
      const part = this.#template(i);
      if (part !== undefined) parts.push([quote, ...part, `${quote} `]);
      texts.push(quote + lex.text(i) + quote);
    }
    this.#words = new Lexer(texts.join(' '));
    const whole = this.#words.next() && this.#words.fault !== undefined;
    if (whole) reading.fail('generate', type + 1, 'a parenthesis of the template has no other one');
    this.#owner = owner ?? [];
    this.#rdata = parts.flat();
    this.ok = owner !== undefined && parts.length === texts.length && !whole;
  }

  /** The wire name for a number; undefined after a fault. */
  owner(number: number): Uint8Array | undefined {
    const r = this.#reading;
    const text = this.#expand(this.#owner, number, OWNER);
    if (text === undefined) return undefined;
    const raw = Buffer.from(text);
    const n = scanName(raw, 0, raw.length, r.origin, this.#name);
    if (n > 0) return this.#name.slice(0, n);
    r.fail('name', OWNER, `for ${number} the owner ${show(text)} is no name: ${nameFault(n)}`);
    return undefined;
  }

  /** The octets of the rdata for a number, in the scanner; -1 after a fault. */
  rdata(number: number, type: number, scanner: RdataScanner): number {
    const text = this.#expand(this.#rdata, number, this.#first);
    if (text === undefined) return -1;
    const lex = new Lexer(text);
    lex.next();
    const length = scanner.scan(lex, 0, type, this.#reading.origin);
    if (length >= 0 || scanner.fault === undefined) return length;
    const { fault, token, message, help } = scanner.fault;
    const told = `for ${number}: ${message}`;
    const r = this.#reading;
    if (!this.#inQuotes) return r.fail(fault, this.#first + token, told, help);
    const last = Math.min(token, this.#words.count - 1);
    if (last < 0) return r.fail(fault, this.#first, told, help);
    const [from, to] = [this.#words.col(last), this.#words.endCol(last)];
    return r.failWithin(
      fault,
      this.#first,
      token > last ? to : from,
      token > last ? 1 : to - from,
      told,
      help,
    );
  }

  #template(i: number): Template | undefined {
    const r = this.#reading;
    const { lex } = r;
    if (i === OWNER && lex.quoted[i] === 1) {
      r.fail('quoted', i, 'the owner is not written in quotes');
      return undefined;
    }
    const template = parseTemplate(lex.text(i));
    if (!('message' in template)) return template;
    r.failWithin('generate', i, template.at + lex.quoted[i], template.length, template.message);
    return undefined;
  }

  #expand(template: Template, number: number, token: number): string | undefined {
    const text = expand(template, number);
    if (text === undefined)
      this.#reading.fail('generate', token, `for ${number} the offset leads beyond 31 bits`);
    return text;
  }
}
