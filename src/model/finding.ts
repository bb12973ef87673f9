// What a rule of check.ts sees and says: the view of the cluster file, and the finding that load.ts gives a place to.
import type { Severity } from '../kit/diag.ts';
import { nearest } from '../kit/suggest.ts';
import type { Code } from './codes.ts';
import type { Config } from './schema.ts';

/** Keys and list positions from the root. */
export type Path = readonly (string | number)[];

/** A fault with the path of what it is about. Points at the value unless `at` says the key. */
export interface Finding {
  code: Code;
  path: Path;
  at?: 'key' | 'value';
  message: string;
  help?: string;
  /** What it was concluded from, its own path if not given: where one of these failed to parse, nothing is said. */
  needs?: readonly Path[];
  /** Where it differs from the code's own. */
  severity?: Severity;
}

/** The parts of the file that are mappings from a name to a thing. */
export const SECTIONS = ['sites', 'nodes', 'vips', 'pools', 'zones', 'schedules'] as const;
export type Section = (typeof SECTIONS)[number];

/** What the rules see. */
export interface View {
  /** Every part that parsed, with its defaults. */
  config: Config;
  /** Names as written, whether what stands under them parsed or not. */
  names: Record<Section, readonly string[]>;
  /** Whether everything in these sections parsed. */
  whole(...sections: Section[]): boolean;
  /** What is wrong with a cron expression, or undefined. */
  cronFault(expression: string, timezone: string): string | undefined;
  /** Why a program could not be run as a check, or undefined. */
  programFault(path: string): string | undefined;
}

/** One rule: yields what it finds. */
export type Rule = (view: View) => Iterable<Finding>;

/** A finding for a name that points nowhere, with the nearest name that exists. */
export function unknownName(
  code: Code,
  path: Path,
  subject: string,
  name: string,
  known: readonly string[],
): Finding {
  const near = nearest(name, known);
  const help = near === undefined ? undefined : `did you mean «${near}»?`;
  return { code, path, message: `${subject} «${name}»`, ...(help !== undefined && { help }) };
}
