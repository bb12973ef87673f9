// The files of a cluster, read as one and again and again: only what changed is read, parsed, checked and compiled anew.
//   gtm.yaml → model/load → config ─┬→ each zone's file, and what it includes → zonefile/parse → check → the keeper
//                                   └→ pools: a POOL record may only name one of these
// Invariant: what one load tells is what a first load of the same files would tell, whatever was kept from before.
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { parseName } from '../dns/name.ts';
import type { RecordList } from '../dns/records.ts';
import { TYPE } from '../dns/rr.ts';
import { checkZone } from '../dns/zonefile/check.ts';
import { FAULTS } from '../dns/zonefile/faults.ts';
import { parseZone } from '../dns/zonefile/parse.ts';
import { RdataScanner } from '../dns/zonefile/rdata.ts';
import { type Diagnostic, hasErrors } from '../kit/diag.ts';
import { type Loaded as LoadedConfig, loadConfig } from '../model/load.ts';
import type { Config } from '../model/schema.ts';
import { type Excerpt, excerptsOf } from './excerpts.ts';
import { CONFIG_BYTES, confined, isUnchanged, listFiles, type Mark, markWord, readMarked } from './files.ts';
import { cronFault } from './jobs.ts';
import { programFault } from './program.ts';

/** The largest master file, in bytes. */
const ZONE_BYTES = 1 << 30;
/** Octets of a list of records that is used again. */
const SMALL = 1 << 16;
/** More faults of zones than that are counted, not told. */
const MAX_TOLD = 10_000;

export type Env = Readonly<Record<string, string | undefined>>;

/** One zone as read; `name` without the final dot, `origin` in wire form. */
export interface LoadedZone {
  name: string;
  file: string;
  origin: Uint8Array;
  records: RecordList;
}

/** What becomes of the records of a zone. */
export interface Keeper<T> {
  /** Called once for each zone read; `sound` if neither it nor the cluster file has an error. Undefined: nothing is kept. */
  take(zone: LoadedZone, sound: boolean, pools: readonly string[]): T | undefined;
  /** It keeps the records of a zone: the next one needs a list of its own. */
  retains?: boolean;
  /** What `take` returned is of no use to the library any more. */
  drop(kept: T): void;
}

/** How far a load is: zones done, zones in all, and the part of the one in hand that is done. */
export type Progress = (done: number, of: number, part: number) => void;

/** A zone that was read, and what is remembered of it. */
export interface KnownZone<T> {
  name: string;
  file: string;
  origin: Uint8Array;
  records: number;
  kept: T | undefined;
  /** Its file first, then those that it includes. */
  marks: Mark[];
  /** 48 bits over the paths and contents of its files. */
  print: number;
  /** The pools that it was checked against; undefined if it names none. */
  pools: string | undefined;
  faulty: boolean;
  diagnostics: Diagnostic[];
  excerpts: Excerpt[];
}

/** All that was read at one time. */
export interface Reading<T> {
  /** Only when there is no error in the cluster file. */
  config?: Config;
  zones: readonly KnownZone<T>[];
  diagnostics: Diagnostic[];
  /** The lines that the diagnostics point to. */
  excerpts: Excerpt[];
  /** Every file that was read or wanted, the cluster file first, and the folders in which they and others may appear. */
  files(): string[];
  folders(): string[];
  /** Of all content: equal ones mean nothing changed. Up to its first point, of the cluster file's. */
  digest: string;
}

/** What the cluster file says about zones: where each is, and what is wrong with that. */
interface Wanted {
  name: string;
  path: string;
  /** Found in a folder, and confined there. */
  listed: boolean;
  at: Place;
}
type Place = Pick<Diagnostic, 'file' | 'line' | 'col' | 'endCol' | 'severity' | 'code'>;

export class Library<T> {
  /** The cluster file. */
  readonly file: string;
  readonly #root: string;
  readonly #env: Env;
  readonly #keeper: Keeper<T>;
  readonly #wall: () => number;
  #head: { mark: Mark; found: LoadedConfig; text: Buffer } | { fault: string } | undefined;
  /** By name in lower case, in the order of the last load. */
  #zones = new Map<string, KnownZone<T>>();
  // It refers to the last text it read: made anew for each load.
  #scanner = new RdataScanner();
  #records: RecordList | undefined;
  #listed: { wanted: Wanted[]; faults: Diagnostic[]; folders: string[] } | undefined;

  constructor(file: string, env: Env, keeper: Keeper<T>, wall: () => number) {
    this.file = file;
    this.#root = dirname(file);
    this.#env = env;
    this.#keeper = keeper;
    this.#wall = wall;
  }

  /**
   * Reads what changed since the last load; with `paths`, only these may have. Never throws for what is wrong with a
   * file: that is in the diagnostics.
   */
  load(paths?: ReadonlySet<string>, progress?: Progress): Reading<T> {
    if (this.#head === undefined || paths === undefined || paths.has(this.file)) {
      this.#head = this.#readConfig();
      this.#listed = undefined;
    }
    const head = this.#head;
    this.#scanner = new RdataScanner();
    if ('fault' in head) return this.#nothing(head.fault);
    if (this.#listed === undefined || this.#mayList(paths)) this.#listed = this.#list(head.found);
    const { wanted, faults } = this.#listed;
    const diagnostics = [...head.found.diagnostics, ...faults];
    const pools = head.found.draft.pools;
    const before = this.#zones;
    this.#zones = new Map();
    wanted.forEach((w, i) => {
      progress?.(i, wanted.length, 0);
      const key = w.name.toLowerCase();
      const old = before.get(key);
      let zone: KnownZone<T> | string | undefined = old;
      if (old === undefined || !this.#holds(old, w, pools, paths))
        zone = this.#readZone(w, head.found, part => progress?.(i, wanted.length, part));
      if (typeof zone === 'string') diagnostics.push({ ...w.at, message: zone });
      else if (zone !== undefined) this.#zones.set(key, zone);
    });
    for (const [key, old] of before)
      if (old.kept !== undefined && this.#zones.get(key) !== old) this.#keeper.drop(old.kept);
    const zones = [...this.#zones.values()];
    const { config } = head.found;
    const excerpts = excerptsOf(this.file, head.text, diagnostics);
    tell(zones, diagnostics, excerpts);
    let sum = 0;
    for (const z of zones) sum = (sum + z.print) % 2 ** 48;
    const digest = [markWord(head.mark), ...[zones.length, sum].map(n => n.toString(36))].join('.');
    return { ...(config && { config }), zones, diagnostics, excerpts, digest, ...this.#places(wanted) };
  }

  #readConfig() {
    const read = readMarked(this.file, CONFIG_BYTES, this.#wall());
    if ('fault' in read) return read;
    const text = read.bytes.toString('utf8');
    const found = loadConfig(text, this.file, this.#env, cronFault, programFault);
    return { mark: read.mark, found, text: read.bytes };
  }

  // Whether one of these paths may be a zone file that came or went.
  #mayList(paths: ReadonlySet<string> | undefined): boolean {
    if (paths === undefined) return true;
    const left = new Set([...paths].filter(p => p.endsWith('.zone')));
    if (left.size === 0 || this.#listed?.folders.length === 0) return false;
    for (const zone of this.#zones.values()) for (const { path } of zone.marks) left.delete(path);
    return left.size > 0 || [...paths].some(p => p.endsWith('.zone') && !existsSync(p));
  }

  // The zones that are named one by one, then those of the zone folders.
  #list({ draft, zonePlaces }: LoadedConfig) {
    const code = { file: this.file, severity: 'error' as const, code: 'GTM-C04A' };
    const wanted: Wanted[] = Object.entries(draft.zones).map(([name, path]) => ({
      name: name.replace(/\.$/, ''),
      path,
      listed: false,
      at: { ...code, ...(zonePlaces.get(name) ?? { line: 0, col: 0 }) },
    }));
    const faults: Diagnostic[] = [];
    const folders: string[] = [];
    const known = new Map(wanted.map(w => [w.name.toLowerCase(), w.path]));
    for (const { folder, ...place } of draft.folders) {
      const at = { ...code, ...place };
      const found = listFiles(this.#root, folder, '.zone');
      if ('fault' in found) {
        faults.push({ ...at, message: `zone_folders: ${folder}: ${found.fault}` });
        continue;
      }
      folders.push(...found.folders);
      for (const path of found.files) {
        const name = basename(path, '.zone');
        const other = known.get(name.toLowerCase());
        known.set(name.toLowerCase(), path);
        if (other === undefined) wanted.push({ name, path, listed: true, at });
        else
          faults.push({ ...at, code: 'GTM-C047', message: `${other} and ${path} are both of zone ${name}` });
      }
    }
    return { wanted, faults, folders };
  }

  // Whether what is known of a zone is still true.
  #holds(
    zone: KnownZone<T>,
    wanted: Wanted,
    pools: readonly string[],
    paths: ReadonlySet<string> | undefined,
  ): boolean {
    // A fault may lie in a file that is not there yet.
    if (zone.faulty || zone.kept === undefined || zone.file !== join(this.#root, wanted.path)) return false;
    if (zone.pools !== undefined && zone.pools !== pools.join('\n')) return false;
    return zone.marks.every(
      m => (paths !== undefined && !paths.has(m.path)) || isUnchanged(m, ZONE_BYTES, this.#wall()),
    );
  }

  // A zone as its files are now; a text is why it cannot be read.
  #readZone(
    { name, path, listed }: Wanted,
    { config, draft }: LoadedConfig,
    progress: (part: number) => void,
  ): KnownZone<T> | string {
    const origin = parseName(`${name}.`);
    if (typeof origin === 'string') return `«${name}» is not a zone name: ${origin}`;
    const texts = new Map<string, Buffer>();
    const marks: Mark[] = [];
    const read = (at: { file: string } | { fault: string }) => {
      if ('fault' in at) return at;
      const known = texts.get(at.file);
      if (known !== undefined) return { file: at.file, text: known };
      const found = readMarked(at.file, ZONE_BYTES, this.#wall());
      if ('fault' in found) return found;
      texts.set(at.file, found.bytes);
      marks.push(found.mark);
      return { file: at.file, text: found.bytes };
    };
    const source = read(listed ? { file: join(this.#root, path) } : confined(this.#root, path));
    if ('fault' in source) return `zone ${name}: ${path}: ${source.fault}`;
    const { file } = source;
    const include = (wanted: string, from: string) =>
      read(confined(this.#root, join(relative(this.#root, dirname(from)), wanted)));
    const { records, diagnostics } = parseZone(source.text, {
      origin,
      file,
      include,
      scanner: this.#scanner,
      records: this.#records,
      progress: offset => progress((0.5 * offset) / source.text.length),
    });
    // What a large zone took is not kept for the small ones.
    this.#records = this.#keeper.retains || records.bytes.length > SMALL ? undefined : records;
    progress(0.5);
    const pools = new Set(draft.pools);
    diagnostics.push(...checkZone(records, origin, { pools, partial: hasErrors(diagnostics) }));
    progress(0.75);
    const faulty = hasErrors(diagnostics);
    const excerpts = [...texts].flatMap(([f, text]) => excerptsOf(f, text, diagnostics));
    texts.clear();
    const pooled = records.type.subarray(0, records.count).includes(TYPE.POOL);
    const kept = this.#keeper.take(
      { name, file, origin, records },
      !faulty && config !== undefined,
      draft.pools,
    );
    return {
      name,
      file,
      origin,
      records: records.count,
      kept,
      marks,
      print: printOf(marks),
      pools: pooled ? draft.pools.join('\n') : undefined,
      faulty,
      diagnostics,
      excerpts,
    };
  }

  #places(wanted: readonly Wanted[]) {
    const paths = () => wanted.map(w => join(this.#root, w.path));
    const marked = () => [...this.#zones.values()].flatMap(z => z.marks.map(m => m.path));
    const files = () => [...new Set([this.file, ...paths(), ...marked()])];
    const listed = (this.#listed?.folders ?? []).map(f => join(this.#root, f));
    const folders = () => {
      const found = new Set([this.#root, ...listed]);
      for (const w of wanted) if (!w.listed) found.add(dirname(join(this.#root, w.path)));
      for (const z of this.#zones.values())
        for (let i = 1; i < z.marks.length; i++) found.add(dirname(z.marks[i].path));
      return [...found];
    };
    return { files, folders };
  }

  #nothing(fault: string): Reading<T> {
    const help = fault === 'there is no such file' ? { help: 'name it with --config, or GTM_CONFIG' } : {};
    const diagnostic = {
      file: this.file,
      line: 0,
      col: 0,
      severity: 'error' as const,
      code: 'GTM-C00A',
      message: fault,
      ...help,
    };
    for (const z of this.#zones.values()) if (z.kept !== undefined) this.#keeper.drop(z.kept);
    this.#zones = new Map();
    this.#listed = undefined;
    return {
      zones: [],
      diagnostics: [diagnostic],
      excerpts: [],
      digest: fault,
      files: () => [this.file],
      folders: () => [this.#root],
    };
  }
}

// Adds what is wrong with the zones, errors first where not all can be told.
function tell(zones: readonly KnownZone<unknown>[], diagnostics: Diagnostic[], excerpts: Excerpt[]): void {
  const troubled = zones.filter(z => z.diagnostics.length > 0);
  const all = troubled.reduce((sum, z) => sum + z.diagnostics.length, 0);
  const first =
    all <= MAX_TOLD ? troubled : [...troubled.filter(z => z.faulty), ...troubled.filter(z => !z.faulty)];
  let told = 0;
  for (const zone of first) {
    if (told > MAX_TOLD) break;
    told += zone.diagnostics.length;
    for (const d of zone.diagnostics) diagnostics.push(d);
    for (const e of zone.excerpts) excerpts.push(e);
  }
  if (told === all) return;
  const message = `${all - told} more faults of zones are not listed`;
  diagnostics.push({ file: first[0].file, line: 0, col: 0, severity: 'note', code: FAULTS.many[0], message });
}

function printOf(marks: readonly Mark[]): number {
  return marks.reduce((sum, { hash }) => (sum + hash) % 2 ** 48, 0);
}
