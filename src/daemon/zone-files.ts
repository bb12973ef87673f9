// Single zones for `gtm zone …`: found by their name in the cluster file or by the name of a file, read and checked.
import { statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { formatName, parseName } from '../dns/name.ts';
import type { RecordList } from '../dns/records.ts';
import { checkZone } from '../dns/zonefile/check.ts';
import { parseZone } from '../dns/zonefile/parse.ts';
import { type Diagnostic, hasErrors, type SourceOf } from '../kit/diag.ts';
import { GtmError } from '../kit/errors.ts';
import { nearest } from '../kit/suggest.ts';
import type { Config } from '../model/schema.ts';
import { type Excerpt, excerptsOf, sourceOf } from './excerpts.ts';
import { confined, readMarked } from './files.ts';
import { loadFiles, readConfig } from './load.ts';

const ZONE_BYTES = 1 << 30;

type Env = Readonly<Record<string, string | undefined>>;

export interface ZoneFile {
  /** Absolute, with the final dot. */
  name: string;
  origin: Uint8Array;
  file: string;
  /** Those without a fault. */
  records: RecordList;
  diagnostics: Diagnostic[];
  sources: SourceOf;
}

/** Finds zones by name or file. The cluster file is read when it is needed first, and once. */
export class ZoneFinder {
  readonly #file: string;
  readonly #env: Env;
  #config: { config: Config | undefined } | undefined;
  #zones: readonly { name: string; file: string }[] | undefined;

  /** `file` is the cluster file. */
  constructor(file: string, env: Env) {
    this.#file = file;
    this.#env = env;
  }

  /** The cluster file can be read, and has no error: pools are known. */
  get knowsPools(): boolean {
    return this.#cluster() !== undefined;
  }

  /** Whether the cluster file has a zone of that name. */
  names(target: string): boolean {
    return this.#fileOf(target) !== undefined;
  }

  /**
   * The zone of that name in the cluster file, or the one in that file. `origin` says what zone a file is; without it the
   * cluster file does, or the file's own name (`example.com.zone`). Throws GTM_NOT_FOUND, GTM_USAGE for an origin that is
   * no name, GTM_ZONE for a file that cannot be read.
   */
  open(target: string, origin?: string): ZoneFile {
    const own = origin === undefined ? this.#named(target) : undefined;
    if (own !== undefined) return own;
    if (statSync(target, { throwIfNoEntry: false }) === undefined) throw this.#unknown(target);
    return this.#read(target, originOf(origin ?? this.#originOfFile(target)), dirname(target));
  }

  /** What `gtm check` says of zones and, where that cannot be used, of the cluster file; and how much was read. */
  checkAll(): { diagnostics: Diagnostic[]; sources: SourceOf; zones: number; records: number } {
    const { diagnostics, sources, zones } = loadFiles(this.#file, this.#env);
    return {
      diagnostics: diagnostics.filter(d => d.file !== this.#file || d.severity === 'error'),
      sources,
      zones: zones.length,
      records: zones.reduce((sum, z) => sum + z.records.count, 0),
    };
  }

  #cluster(): Config | undefined {
    this.#config ??= { config: readConfig(this.#file, this.#env) };
    return this.#config.config;
  }

  #named(target: string): ZoneFile | undefined {
    const found = this.#fileOf(target);
    return found === undefined
      ? undefined
      : this.#read(found.file, originOf(found.name), dirname(this.#file));
  }

  // Zones in folders are found by reading them all.
  #fileOf(target: string): { name: string; file: string } | undefined {
    const config = this.#cluster();
    if (config === undefined) return undefined;
    const name = bare(target);
    for (const [zone, path] of Object.entries(config.zones))
      if (bare(zone) === name) return { name: zone, file: join(dirname(this.#file), path) };
    if (config.zone_folders.length === 0) return undefined;
    this.#zones ??= loadFiles(this.#file, this.#env).zones;
    return this.#zones.find(z => bare(z.name) === name);
  }

  #originOfFile(file: string): string {
    const config = this.#cluster();
    const root = dirname(this.#file);
    for (const [zone, path] of Object.entries(config?.zones ?? {}))
      if (resolve(root, path) === resolve(file)) return zone;
    return basename(file).replace(/\.(zone|db|txt)$/, '');
  }

  #read(file: string, origin: Uint8Array, root: string): ZoneFile {
    const texts = new Map<string, Buffer>();
    const read = (at: { file: string } | { fault: string }) => {
      const found = 'fault' in at ? at : readMarked(at.file, ZONE_BYTES, 0);
      if ('fault' in at || 'fault' in found) return found as { fault: string };
      texts.set(at.file, found.bytes);
      return { file: at.file, text: found.bytes };
    };
    const source = read({ file });
    if ('fault' in source) throw new GtmError('GTM_ZONE', `${file}: ${source.fault}`);
    const include = (wanted: string, from: string) =>
      read(confined(root, join(relative(root, dirname(from)), wanted)));
    const { records, diagnostics } = parseZone(source.text, { origin, file, include });
    const config = this.#cluster();
    const pools = config === undefined ? undefined : new Set(Object.keys(config.pools));
    diagnostics.push(...checkZone(records, origin, { pools, partial: hasErrors(diagnostics) }));
    const excerpts: Excerpt[] = [...texts].flatMap(([f, text]) => excerptsOf(f, text, diagnostics));
    return { name: formatName(origin), origin, file, records, diagnostics, sources: sourceOf(excerpts) };
  }

  #unknown(target: string): GtmError {
    const config = this.#cluster();
    if (config === undefined)
      return new GtmError(
        'GTM_NOT_FOUND',
        `there is no file ${target}, and no cluster file at ${this.#file} without errors`,
      );
    const near = nearest(bare(target), Object.keys(config.zones));
    const hint = near === undefined ? '' : `; did you mean «${near}»?`;
    return new GtmError(
      'GTM_NOT_FOUND',
      `neither a zone of ${this.#file} nor a file is named «${target}»${hint}`,
    );
  }
}

function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function originOf(name: string): Uint8Array {
  const origin = parseName(name.endsWith('.') ? name : `${name}.`);
  if (typeof origin !== 'string') return origin;
  throw new GtmError('GTM_USAGE', `«${name}» is not a zone name: ${origin}; give it with --origin`);
}
