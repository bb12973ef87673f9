// The door to `yaml`: a text as plain values, with the place of every key and value (YAML 1.2 core, `<<` merges).
//   text → document → value (plain)          path → place (line, column, end column: from 1, in UTF-16 units)
// Bounds: 1 MiB of text, 100 expansions of aliases. Lines that hold a secret are known, so that nobody prints them.
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import type { Path } from './finding.ts';
import { isReference, linesOfSecrets } from './secrets.ts';

export const MAX_TEXT = 1 << 20;
const MAX_ALIASES = 100;
/** Merges within merges that a place is looked for in. */
const MAX_MERGES = 8;
/** After so many faults of syntax the rest is the echo of the first ones. */
const MAX_SYNTAX_FAULTS = 20;

/** `endCol` is exclusive, and on the same line. */
export interface Place {
  line: number;
  col: number;
  endCol: number;
}

export interface TextFault {
  code: 'GTM-C001' | 'GTM-C002' | 'GTM-C006';
  place: Place;
  message: string;
  help?: string;
}

export interface Reading {
  /** Plain values; undefined when the text is too broken for its values to mean anything. */
  value: unknown;
  faults: TextFault[];
  /** The place of what stands at `path`, or of its nearest ancestor that is there. `key`: of its key. */
  place(path: Path, at: 'key' | 'value'): Place;
  /** Every string value with its path, aliases not followed. */
  strings(): { path: Path; text: string }[];
  /** Whether a line (from 1) holds a part of a secret. */
  hidden(line: number): boolean;
}

/** Reads a YAML text. Never throws. */
export function readYaml(raw: string): Reading {
  const text = raw.startsWith('\ufeff') ? raw.slice(1) : raw;
  if (Buffer.byteLength(text) > MAX_TEXT) {
    const message = `the file has ${Buffer.byteLength(text)} bytes; at most ${MAX_TEXT} are read`;
    return { ...NOTHING, faults: [{ code: 'GTM-C006', place: START, message }] };
  }
  const counter = new LineCounter();
  const doc = parseDocument(text, {
    lineCounter: counter,
    merge: true,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const lines = text.split('\n');
  const placeOf = (start: number, end = start + 1): Place => {
    const { line, col } = counter.linePos(start);
    const last = counter.linePos(end);
    const lineEnd = (lines[line - 1] ?? '').trimEnd().length + 1;
    return { line, col, endCol: Math.max(col + 1, last.line === line ? last.col : lineEnd) };
  };
  const looks = linesOfSecrets(lines);
  const secret = new Set<number>();
  const literal = secretRange(doc);
  if (literal !== undefined) {
    const [first, last] = literal.map(offset => counter.linePos(offset).line);
    for (let n = first; n <= last; n++) secret.add(n);
  }
  const hidden = (line: number) => secret.has(line) || looks.has(line - 1);

  const faults: TextFault[] = [];
  for (const e of firstCauses(doc.errors).slice(0, MAX_SYNTAX_FAULTS)) {
    const place = placeOf(e.pos[0], e.pos[1]);
    // yaml quotes the text in its messages: on a line with a secret only the kind of the fault is told.
    const message = hidden(place.line) ? e.code.toLowerCase().replaceAll('_', ' ') : firstLower(e.message);
    const endpoint = /\[[0-9a-f:.]*:[0-9a-f:.]*\]:\d/i.test(lines[place.line - 1] ?? '');
    faults.push({
      code: 'GTM-C001',
      place,
      message: `not YAML: ${message}`,
      ...(endpoint && { help: 'IPv6 with a port stands in quotes: "[::1]:5300"' }),
    });
  }
  const broken = doc.errors.length > 0;
  if (!broken) faults.push(...duplicates(doc, placeOf));
  const strings = () => stringsOf(doc);
  const index: Index = new Map();
  const place = (path: Path, at: 'key' | 'value') => {
    const [start, end] = rangeOf(doc, path, at, index);
    return placeOf(start, end);
  };
  if (broken) return { value: undefined, faults, place, strings, hidden };
  try {
    return { value: doc.toJS({ maxAliasCount: MAX_ALIASES }), faults, place, strings, hidden };
  } catch {
    const alias = badAlias(doc);
    const at = alias?.range ? placeOf(alias.range[0], alias.range[1]) : START;
    const message = alias
      ? `not YAML: no anchor${hidden(at.line) ? '' : ` «${alias.source}»`} stands before this alias`
      : 'the aliases expand to too much, or to themselves';
    faults.push({ code: alias ? 'GTM-C001' : 'GTM-C006', place: at, message });
    return { value: undefined, faults, place, strings, hidden };
  }
}

const START: Place = { line: 1, col: 1, endCol: 2 };
const NOTHING: Reading = {
  value: undefined,
  faults: [],
  place: () => START,
  strings: () => [],
  hidden: () => false,
};

// Once a text is out of step every token is unexpected, and after a tab nothing stands at its depth: echoes are not told.
function firstCauses(errors: Document['errors']): Document['errors'] {
  const tab = errors.some(e => e.code === 'TAB_AS_INDENT');
  return errors.filter((e, i) =>
    tab ? e.code === 'TAB_AS_INDENT' : i === 0 || e.code !== 'UNEXPECTED_TOKEN',
  );
}

function firstLower(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

// The second of two equal keys, with the place of the first: yaml itself names neither.
function duplicates(doc: Document, placeOf: (start: number, end?: number) => Place): TextFault[] {
  const faults: TextFault[] = [];
  visit(doc, {
    Map(_, map, ancestors) {
      const seen = new Map<string, number>();
      for (const { key } of map.items) {
        if (!isScalar(key) || !key.range || isMerge(key.value)) continue;
        const text = String(key.value);
        const first = seen.get(text);
        if (first === undefined) {
          seen.set(text, key.range[0]);
          continue;
        }
        const there = placeOf(first);
        faults.push({
          code: 'GTM-C002',
          place: placeOf(key.range[0], key.range[1]),
          message: `«${text}» stands twice in ${ownerOf(ancestors)}; first at ${there.line}:${there.col}`,
        });
      }
    },
  });
  return faults;
}

function ownerOf(ancestors: readonly unknown[]): string {
  const pair = ancestors.at(-1);
  return isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : 'one mapping';
}

function badAlias(doc: Document) {
  let bad: (Node & { source: string }) | undefined;
  visit(doc, {
    Alias(_, alias) {
      if (alias.resolve(doc) !== undefined) return undefined;
      bad = alias;
      return visit.BREAK;
    },
  });
  return bad;
}

function secretRange(doc: Document): readonly number[] | undefined {
  const path = ['coordinator', 'secret'];
  const written = doc.hasIn(path) ? doc.getIn(path, true) : undefined;
  const node = isAlias(written) ? written.resolve(doc) : written;
  if (!isNode(node) || !node.range || (isScalar(node) && isReference(String(node.value)))) return undefined;
  return [node.range[0], node.range[1]];
}

/** The pairs of mappings by key, made when a place in them is first wanted. */
type Index = Map<YAMLMap, Map<string, Pair>>;

// Descends as far as the path goes; the offsets of what was reached last.
function rangeOf(doc: Document, path: Path, at: 'key' | 'value', index: Index): [number, number] {
  let node: unknown = doc.contents;
  let pair: Pair | undefined;
  for (const step of path) {
    const here = isAlias(node) ? node.resolve(doc) : node;
    if (isMap(here)) {
      const next = pairOf(doc, here, String(step), index);
      if (next === undefined) break;
      pair = next;
      node = next.value;
    } else if (isSeq(here) && isNode(here.items[Number(step)])) {
      pair = undefined;
      node = here.items[Number(step)];
    } else break;
  }
  const key = isNode(pair?.key) ? pair.key.range : undefined;
  const value = isNode(node) ? node.range : undefined;
  const empty = value === undefined || value === null || value[1] <= value[0];
  // A block collection begins on a line of its own: its key says more than its first character.
  const block = (isMap(node) || isSeq(node)) && !node.flow;
  if (key && (at === 'key' || empty || block)) return [key[0], key[1]];
  if (!value) return [0, 1];
  return isMap(node) && block ? [value[0], value[0] + 1] : [value[0], value[1]];
}

function pairOf(doc: Document, map: YAMLMap, key: string, index: Index, depth = 0): Pair | undefined {
  // The last one counts where a key stands twice, as in the values.
  const own = index.get(map) ?? new Map(map.items.map(p => [isScalar(p.key) ? String(p.key.value) : '', p]));
  index.set(map, own);
  if (own.has(key) || depth === MAX_MERGES) return own.get(key);
  for (const p of map.items) {
    if (!isScalar(p.key) || !isMerge(p.key.value)) continue;
    for (const source of isSeq(p.value) ? p.value.items : [p.value]) {
      const target = isAlias(source) ? source.resolve(doc) : source;
      const found = isMap(target) ? pairOf(doc, target, key, index, depth + 1) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

// yaml gives the key of a merge as a symbol.
function isMerge(key: unknown): boolean {
  return typeof key === 'symbol' && key.description === '<<';
}

function stringsOf(doc: Document): { path: Path; text: string }[] {
  const found: { path: Path; text: string }[] = [];
  const walk = (node: unknown, path: Path) => {
    if (isScalar(node) && typeof node.value === 'string') found.push({ path, text: node.value });
    else if (isSeq(node)) for (const [i, item] of node.items.entries()) walk(item, [...path, i]);
    else if (isMap(node))
      for (const p of node.items) walk(p.value, [...path, isScalar(p.key) ? String(p.key.value) : '?']);
  };
  walk(doc.contents, []);
  return found;
}
