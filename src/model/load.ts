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

/** More than that nobody reads in one run. */
const MAX_FAULTS = 1000;

export interface Loaded {
  /** Only when there is no error; warnings and notes do not stand in its way. */
  config?: Config;
  /** In reading order. */
  diagnostics: Diagnostic[];
  /** Where the file of each zone is named, for faults that reading it brings. From 1. */
  zonePlaces: Map<string, { line: number; col: number; endCol: number }>;
  /** What zone files can be checked by even if there is no config: those that may be read, and the names of the pools. */
  draft: {
    zones: Record<string, string>;
    folders: { folder: string; line: number; col: number; endCol: number }[];
    pools: string[];
  };
}

/**
 * Reads the text of a cluster file. `file` is its name in diagnostics, `env` what `${env:NAME}` is taken from;
 * `cronFault` says what is wrong with a cron expression in a time zone (undefined: nothing), and `programFault` the same
 * of the program of an exec check. Never throws.
 */
export function loadConfig(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  cronFault: View['cronFault'],
  programFault: View['programFault'] = () => undefined,
): Loaded {
  const reading = readYaml(text);
  const diagnostics: Diagnostic[] = reading.faults.map(({ place, code, message, help }) =>
    diagnostic(file, place, CODES[code][0], code, message, reading.hidden(place.line), help),
  );
  const zonePlaces: Loaded['zonePlaces'] = new Map();
  const draft: Loaded['draft'] = { zones: {}, folders: [], pools: [] };
  if (reading.value === undefined) return { diagnostics: sortDiagnostics(diagnostics), zonePlaces, draft };

  const findings: Finding[] = [...expandSecrets(reading.value, reading.strings(), env)];
  const parsed = schema.safeParse(reading.value, { error: issue => sentence(issue) });
  const issues = parsed.error?.issues ?? [];
  for (const issue of issues.slice(0, MAX_FAULTS)) findings.push(...explainIssue(issue, reading.value));
  const partial = parsed.success ? { config: parsed.data, lost: [] } : salvage(reading.value);
  if (partial !== undefined) {
    const found = checkMeaning({ ...viewOf(partial, reading.value), cronFault, programFault });
    findings.push(...found.filter(f => !isEcho(f, partial.lost)));
  }

  // Errors come first where not all can be told: what is left out must not be what stands in the way.
  const severity = (f: Finding) => f.severity ?? CODES[f.code][0];
  const told = [
    ...findings.filter(f => severity(f) === 'error'),
    ...findings.filter(f => severity(f) !== 'error'),
  ];
  for (const f of told.slice(0, MAX_FAULTS)) {
    const place = reading.place(f.path, f.at ?? 'value');
    const hidden = reading.hidden(place.line) || (f.code === 'GTM-C003' && f.path[0] === 'coordinator');
    diagnostics.push(diagnostic(file, place, severity(f), f.code, f.message, hidden, f.help));
  }
  for (const zone of Object.keys(partial?.config.zones ?? {}))
    zonePlaces.set(zone, reading.place(['zones', zone], 'value'));
  const refused = new Set(findings.filter(f => f.code === 'GTM-C047').map(f => f.path[1]));
  draft.folders = (partial?.config.zone_folders ?? [])
    .map((folder, i) => ({ folder, ...reading.place(['zone_folders', i], 'value') }))
    .filter((_, i) => !refused.has(i));
  draft.zones = Object.fromEntries(
    Object.entries(partial?.config.zones ?? {}).filter(([zone]) => !refused.has(zone)),
  );
  const pools = isMapping(reading.value) ? reading.value['pools'] : undefined;
  draft.pools = isMapping(pools) ? Object.keys(pools) : [];
  const sorted = sortDiagnostics(diagnostics);
  if (!parsed.success || hasErrors(sorted)) return { diagnostics: sorted, zonePlaces, draft };
  return { config: parsed.data, diagnostics: sorted, zonePlaces, draft };
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
  lost: readonly Lost[];
}

/** A part that was left out. */
interface Lost {
  path: Path;
  unknown: boolean;
}

const ROUNDS = 12;

// Drops what does not parse, from the smallest part upward (a bad value, then what can not be without it), and parses
// what is left. Positions in lists stay, since only keys are dropped, never items.
function salvage(value: unknown): Partial | undefined {
  if (!isMapping(value)) return undefined;
  const left = structuredClone(value);
  const lost: Lost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const section of ['sites', 'nodes', 'vips', 'zones'])
      if (!isMapping(left[section])) {
        lost.push({ path: [section], unknown: false });
        left[section] = {};
      }
    left['cluster'] ??= 'unnamed';
    const parsed = schema.safeParse(left);
    if (parsed.success) return { config: parsed.data, lost };
    for (const issue of parsed.error.issues)
      if (issue.code === 'unrecognized_keys')
        for (const key of issue.keys) drop(left, [...issue.path, key] as Path, lost, true);
      else drop(left, issue.path as Path, lost);
  }
  return undefined;
}

// Deletes the key at `path`; where it is missing, or an item of a list, the nearest key above.
function drop(left: Record<string, unknown>, path: Path, lost: Lost[], unknown = false): void {
  for (let length = path.length; length > 0; length--) {
    const owner = path
      .slice(0, length - 1)
      .reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), left);
    const key = path[length - 1];
    if (!isMapping(owner) || !Object.hasOwn(owner, key)) continue;
    delete owner[key];
    lost.push({ path: path.slice(0, length), unknown });
    return;
  }
}

// Whether a finding may be no more than the echo of what was left out: of a part that it was concluded from, or of an
// unknown key beside one, which may be that part with a slip in its name.
function isEcho({ path, needs = [path] }: Finding, lost: readonly Lost[]): boolean {
  return needs.some(need =>
    lost.some(
      l =>
        startsWith(l.path, l.unknown ? need.slice(0, -1) : need) &&
        (!l.unknown || l.path.length === need.length),
    ),
  );
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((step, i) => path[i] === step);
}

type Faults = 'cronFault' | 'programFault';

function viewOf({ config, lost }: Partial, value: unknown): Omit<View, Faults> {
  const written = (section: Section) => {
    const found = isMapping(value) ? value[section] : undefined;
    return isMapping(found) ? Object.keys(found) : [];
  };
  return {
    config,
    names: Object.fromEntries(SECTIONS.map(s => [s, written(s)] as const)) as Record<Section, string[]>,
    whole: (...sections) => !lost.some(l => sections.includes(l.path[0] as Section)),
  };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObject(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
