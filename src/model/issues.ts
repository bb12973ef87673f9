// What zod says of a value, as findings in the words of the cluster file: one sentence each, the value and the bound in it.
import { z } from 'zod';
import { nearest } from '../kit/suggest.ts';
import type { Finding, Path } from './finding.ts';
import { schema } from './schema.ts';
import { takesEnv } from './secrets.ts';

type Issue = z.core.$ZodIssue;
type Raw = z.core.$ZodRawIssue;
type AnySchema = z.core.$ZodType;

const KINDS: Record<string, string> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  string: 'a text',
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** The sentence for an issue that the schema itself has no words for: the error map of the parse. */
export function sentence(issue: Raw): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${list(issue.values.map(String))}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `under ${issue.minimum}`
        : 'must not be empty';
    case 'too_big':
      return `over ${issue.maximum}`;
    case 'invalid_union':
      return 'fits none of the forms that it may have';
    default:
      return 'not valid';
  }
}

/** The findings of one issue of `value` (the plain values of the whole file). */
export function* explainIssue(issue: Issue, value: unknown): Generator<Finding> {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    for (const key of issue.keys) {
      const near = nearest(key, known);
      const help = near !== undefined ? `did you mean «${near}»?` : `known here: ${known.join(', ')}`;
      yield {
        code: 'GTM-C003',
        path: [...path, key],
        at: 'key',
        message: `unknown key «${key}» ${within(path)}`,
        help,
      };
    }
    return;
  }
  if (issue.code === 'invalid_key') {
    const message = `«${path.at(-1)}» in ${where(path.slice(0, -1))}: ${issue.issues[0]?.message ?? issue.message}`;
    yield { code: 'GTM-C004', path, at: 'key', message };
    return;
  }
  const here = valueAt(value, path);
  if (here === undefined && path.length > 0) {
    const parent = path.slice(0, -1);
    yield {
      code: 'GTM-C005',
      path: parent,
      at: 'key',
      message: `missing key «${path.at(-1)}» ${within(parent)}`,
    };
    return;
  }
  if (issue.code === 'invalid_union') {
    const branch = nearestBranch(issue.errors);
    if (branch !== undefined) {
      for (const inner of branch)
        yield* explainIssue({ ...inner, path: [...path, ...inner.path] } as Issue, value);
      return;
    }
  }
  const near = issue.code === 'invalid_value' ? nearest(String(here), issue.values.map(String)) : undefined;
  const help =
    near !== undefined
      ? `did you mean «${near}»?`
      : here === null
        ? 'nothing stands there; {} is the empty mapping'
        : undefined;
  const message = `${where(path)}: ${withValue(issue, takesEnv(path) ? undefined : show(here))}`;
  yield { code: 'GTM-C004', path, message, ...(help !== undefined && { help }) };
}

// Refinements name the value in their own sentence; all others get it here.
function withValue(issue: Issue, shown: string | undefined): string {
  const { message } = issue;
  if (shown === undefined || issue.code === 'custom') return message;
  if (/^(under|over) /.test(message)) return `${shown} is ${message}`;
  return message.startsWith('expected') || issue.code === 'invalid_format'
    ? `${message}, not ${shown}`
    : message;
}

// The form that the writer meant: the only one whose own kind fits, so that its faults lie deeper or are of another sort.
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const meant = branches.filter(
    b => !b.some(i => i.path.length === 0 && (i.code === 'invalid_type' || i.code === 'invalid_value')),
  );
  return meant.length === 1 ? meant[0] : undefined;
}

function within(path: Path): string {
  return path.length === 0 ? 'at the top level' : `in ${where(path)}`;
}

/** A path for people: `vips.web-fra.services[0].port`; «the file» for the root. */
export function where(path: Path): string {
  if (path.length === 0) return 'the file';
  return path.map((p, i) => (typeof p === 'number' ? `[${p}]` : i === 0 ? p : `.${p}`)).join('');
}

// A value for people, on one line and short.
function show(value: unknown): string {
  if (value === null) return 'empty';
  if (typeof value === 'string')
    return `«${value.length > 40 ? `${value.slice(0, 40)}…` : value}»`.replaceAll('\n', ' ');
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a mapping';
  return String(value);
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}

/** The schema of what stands at `path`; undefined where the path leaves the schema. */
export function schemaAt(path: Path): AnySchema | undefined {
  let here: AnySchema | undefined = bare(schema);
  for (const step of path) {
    const def = here?._zod.def as z.core.$ZodTypeDef & {
      shape?: Record<string, AnySchema>;
      valueType?: AnySchema;
      element?: AnySchema;
    };
    if (def === undefined) return undefined;
    here = bare(def.shape?.[step] ?? def.valueType ?? def.element);
  }
  return here;
}

// Without default, prefault and optional around it; of a union the form that is a mapping.
function bare(wrapped: AnySchema | undefined): AnySchema | undefined {
  let here = wrapped;
  while (here !== undefined) {
    const def = here._zod.def as z.core.$ZodTypeDef & { innerType?: AnySchema; options?: AnySchema[] };
    if (def.innerType !== undefined) here = def.innerType;
    else if (def.options !== undefined)
      here = def.options.find(o => o._zod.def.type === 'object') ?? def.options[0];
    else break;
  }
  return here;
}

function keysAt(path: Path): string[] {
  const def = schemaAt(path)?._zod.def as { shape?: object } | undefined;
  return Object.keys(def?.shape ?? {});
}

/** What a value at `path` counts: `duration` (ms) or `percent` (1 = 100 %); undefined for plain ones. */
export function unitAt(path: Path): unknown {
  const found = schemaAt(path);
  return found === undefined ? undefined : z.globalRegistry.get(found)?.['unit'];
}
