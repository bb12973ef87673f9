// The cluster file: a text becomes a Config, or the list of all its faults, in one run.
//   text → positions (yaml: values, places) → secrets (${env:…}) → schema (zod) → issues → check (meaning) → diagnostics
// Rules of meaning run over every part that parsed, whatever failed beside it. No diagnostic holds a secret.
import { type Diagnostic, hasErrors, sortDiagnostics } from '../kit/diag.ts';
import { checkMeaning } from './check.ts';
import { CODES } from './codes.ts';
import { type Finding, type Path, SECTIONS, type Section, type View } from './finding.ts';
import { explainIssue, sentence } from './issues.ts';
import { readYaml } from './positions.ts';
import { type Config, schema } from './schema.ts';
import { expandSecrets } from './secrets.ts';

export interface Loaded {
  /** Only when there is no error; warnings and notes do not stand in its way. */
  config?: Config;
  /** In reading order. */
  diagnostics: Diagnostic[];
  /** Where the file of each zone is named, for faults that reading it brings. From 1. */
  zonePlaces: Map<string, { line: number; col: number; endCol: number }>;
}

/**
 * Reads the text of a cluster file. `file` is its name in diagnostics, `env` what `${env:NAME}` is taken from, and
 * `cronFault` says what is wrong with a cron expression in a time zone (undefined: nothing). Never throws.
 */
export function loadConfig(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  cronFault: View['cronFault'],
): Loaded {
  const reading = readYaml(text);
  const diagnostics: Diagnostic[] = reading.faults.map(({ place, code, message, help }) =>
    diagnostic(file, place, CODES[code][0], code, message, reading.hidden(place.line), help),
  );
  const zonePlaces: Loaded['zonePlaces'] = new Map();
  if (reading.value === undefined) return { diagnostics: sortDiagnostics(diagnostics), zonePlaces };

  const findings: Finding[] = [...expandSecrets(reading.value, reading.strings(), env)];
  const parsed = schema.safeParse(reading.value, { error: issue => sentence(issue) });
  const issues = parsed.error?.issues ?? [];
  for (const issue of issues) findings.push(...explainIssue(issue, reading.value));
  const partial = parsed.success ? { config: parsed.data, lost: [] } : salvage(reading.value);
  if (partial !== undefined) {
    const found = checkMeaning(viewOf(partial, reading.value, cronFault));
    findings.push(...found.filter(f => !isEcho(f, partial.lost)));
  }

  for (const f of findings) {
    const place = reading.place(f.path, f.at ?? 'value');
    const hidden = reading.hidden(place.line) || (f.code === 'GTM-C003' && f.path[0] === 'coordinator');
    diagnostics.push(
      diagnostic(file, place, f.severity ?? CODES[f.code][0], f.code, f.message, hidden, f.help),
    );
  }
  for (const zone of Object.keys(partial?.config.zones ?? {}))
    zonePlaces.set(zone, reading.place(['zones', zone], 'value'));
  const sorted = sortDiagnostics(diagnostics);
  if (!parsed.success || hasErrors(sorted)) return { diagnostics: sorted, zonePlaces };
  return { config: parsed.data, diagnostics: sorted, zonePlaces };
}

function diagnostic(
  file: string,
  place: { line: number; col: number; endCol: number },
  severity: Diagnostic['severity'],
  code: string,
  message: string,
  hidden: boolean,
  help: string | undefined,
): Diagnostic {
  return {
    file,
    ...place,
    severity,
    code,
    message,
    ...(help !== undefined && { help }),
    ...(hidden && { hidden }),
  };
}

interface Partial {
  config: Config;
  /** What was left out, by path. */
  lost: readonly Path[];
}

const ROUNDS = 12;

// Drops what does not parse, from the smallest part upward (a bad value, then what can not be without it), and parses
// what is left. Positions in lists stay, since only keys are dropped, never items.
function salvage(value: unknown): Partial | undefined {
  if (!isMapping(value)) return undefined;
  const left = structuredClone(value);
  const lost: Path[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const section of ['sites', 'nodes', 'vips', 'zones'])
      if (!isMapping(left[section])) {
        lost.push([section]);
        left[section] = {};
      }
    left['cluster'] ??= 'unnamed';
    const parsed = schema.safeParse(left);
    if (parsed.success) return { config: parsed.data, lost };
    for (const issue of parsed.error.issues)
      if (issue.code === 'unrecognized_keys')
        for (const key of issue.keys) drop(left, [...issue.path, key] as Path, lost);
      else drop(left, issue.path as Path, lost);
  }
  return undefined;
}

// Deletes the key at `path`; where it is missing, or an item of a list, the nearest key above.
function drop(left: Record<string, unknown>, path: Path, lost: Path[]): void {
  for (let length = path.length; length > 0; length--) {
    const owner = path
      .slice(0, length - 1)
      .reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), left);
    const key = path[length - 1];
    if (!isMapping(owner) || !Object.hasOwn(owner, key)) continue;
    delete owner[key];
    lost.push(path.slice(0, length));
    return;
  }
}

/** Rules about one name alone: they hold whatever is wrong beside it. */
const ALONE: ReadonlySet<string> = new Set(['GTM-C010', 'GTM-C011', 'GTM-C015', 'GTM-C031']);

// Whether a finding may be no more than the echo of what was left out: a lost part next to what it is about, or in it.
function isEcho(finding: Finding, lost: readonly Path[]): boolean {
  if (ALONE.has(finding.code)) return false;
  const mapping = finding.path.slice(0, -1).join('\n');
  const whole = finding.path.join('\n');
  return lost.some(path => {
    const owner = path.slice(0, -1).join('\n');
    return owner === mapping || owner === whole || owner.startsWith(`${whole}\n`);
  });
}

function viewOf({ config, lost }: Partial, value: unknown, cronFault: View['cronFault']): View {
  const written = (section: Section) => {
    const found = isMapping(value) ? value[section] : undefined;
    return isMapping(found) ? Object.keys(found) : [];
  };
  return {
    config,
    names: Object.fromEntries(SECTIONS.map(s => [s, written(s)] as const)) as Record<Section, string[]>,
    whole: (...sections) => !lost.some(([top]) => sections.includes(top as Section)),
    cronFault,
  };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObject(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
