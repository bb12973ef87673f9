// From files to what a node runs on: the cluster file and its zones are read and checked together, so that one run
// names every fault of all of them. The only reader of these files.
//   gtm.yaml → model/load → config ─┬→ zones/*.zone → dns/zonefile/parse → check → records
//                                   └→ pools: a POOL record may only name one of these
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { parseName } from '../dns/name.ts';
import type { RecordList } from '../dns/records.ts';
import { checkZone } from '../dns/zonefile/check.ts';
import { parseZone } from '../dns/zonefile/parse.ts';
import { type Diagnostic, hasErrors } from '../kit/diag.ts';
import { reason } from '../kit/errors.ts';
import { loadConfig } from '../model/load.ts';
import type { Config } from '../model/schema.ts';
import { cronFault } from './jobs.ts';
import { programFault } from './program.ts';

/** The largest cluster file and the largest master file, in bytes. */
const CONFIG_BYTES = 16 << 20;
const ZONE_BYTES = 1 << 30;

/** One zone as read; `name` without the final dot, `origin` in wire form. */
export interface LoadedZone {
  name: string;
  file: string;
  origin: Uint8Array;
  records: RecordList;
}

/** All that was read at one time. */
export interface Loaded {
  /** The cluster file, as it was named. */
  file: string;
  /** Only when there is no error in it. */
  config?: Config;
  zones: LoadedZone[];
  diagnostics: Diagnostic[];
  /** Every file that was read or wanted, for watching. */
  files: string[];
  /** A hash over the content of all files: equal ones mean nothing changed. */
  digest: string;
  sources: (file: string) => string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads and checks the cluster file and everything that it names. Never throws: what is wrong is in the diagnostics. */
export function loadFiles(file: string, env: Env): Loaded {
  const reader = new Reader();
  const diagnostics: Diagnostic[] = [];
  const loaded = {
    file,
    zones: [],
    diagnostics,
    files: reader.files,
    sources: (f: string) => reader.texts.get(f),
  };
  const text = reader.read(file, CONFIG_BYTES);
  if (typeof text !== 'string') {
    diagnostics.push(fileFault(file, text.fault));
    return { ...loaded, digest: reader.digest() };
  }
  const {
    config,
    diagnostics: found,
    zonePlaces,
    draft,
  } = loadConfig(text, file, env, cronFault, programFault);
  diagnostics.push(...found);
  const zones: LoadedZone[] = [];
  for (const [name, relative] of Object.entries(draft.zones)) {
    const place = zonePlaces.get(name) ?? { line: 0, col: 0 };
    const at = { file, ...place, severity: 'error' as const, code: 'GTM-C04A' };
    const origin = parseName(name.endsWith('.') ? name : `${name}.`);
    if (typeof origin === 'string') {
      diagnostics.push({ ...at, message: `«${name}» is not a zone name: ${origin}` });
      continue;
    }
    const path = confined(dirname(file), relative);
    const zoneText = 'fault' in path ? path : reader.read(path.file, ZONE_BYTES);
    if (typeof zoneText !== 'string') {
      diagnostics.push({ ...at, message: `zone ${name}: ${relative}: ${zoneText.fault}` });
      continue;
    }
    const zoneFile = join(dirname(file), relative);
    const include = (wanted: string, from: string) => {
      const target = confined(dirname(file), join(dirname(from).slice(dirname(file).length), wanted));
      if ('fault' in target) return target;
      const included = reader.read(target.file, ZONE_BYTES);
      return typeof included === 'string' ? { file: target.file, text: included } : included;
    };
    const { records, diagnostics: faults } = parseZone(zoneText, { origin, file: zoneFile, include });
    diagnostics.push(
      ...faults,
      ...checkZone(records, origin, { pools: new Set(draft.pools), partial: hasErrors(faults) }),
    );
    zones.push({ name: name.replace(/\.$/, ''), file: zoneFile, origin, records });
  }
  return { ...loaded, ...(config && { config }), zones, digest: reader.digest() };
}

/** What `gtm check` prints: the diagnostics of a cluster file and its zones, the sources for excerpts, and how much was read. */
export async function checkFiles(path: string, env: Env = process.env) {
  const { diagnostics, sources, files, zones } = loadFiles(path, env);
  const records = zones.reduce((sum, z) => sum + z.records.count, 0);
  return { diagnostics, sources, counts: { files: files.length, zones: zones.length, records } };
}

// A zone file may not reach out of the folder of the cluster file, by `..` or by a link: an included line that does not
// parse is quoted in the fault, and so would leak what it is.
function confined(folder: string, relative: string): { file: string } | { fault: string } {
  const file = join(folder, relative);
  try {
    const root = realpathSync(folder);
    const real = realpathSync(file);
    return real.startsWith(root.endsWith(sep) ? root : root + sep)
      ? { file }
      : { fault: `is outside of ${folder}` };
  } catch (e) {
    return { fault: readable(e) };
  }
}

function readable(e: unknown): string {
  const code = (e as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'may not be read: permission denied';
  return reason(e);
}

function fileFault(file: string, fault: string): Diagnostic {
  const help = fault === 'there is no such file' ? { help: 'name it with --config, or GTM_CONFIG' } : {};
  return { file, line: 0, col: 0, severity: 'error', code: 'GTM-C00A', message: fault, ...help };
}

class Reader {
  readonly files: string[] = [];
  readonly texts = new Map<string, string>();

  read(file: string, limit: number): string | { fault: string } {
    if (!this.files.includes(file)) this.files.push(file);
    try {
      if (!statSync(file).isFile()) return { fault: 'is not a file' };
      if (statSync(file).size > limit) return { fault: `is larger than ${limit} bytes` };
      const text = readFileSync(file, 'utf8');
      this.texts.set(file, text);
      return text;
    } catch (e) {
      return { fault: readable(e) };
    }
  }

  digest(): string {
    const hash = createHash('sha256');
    for (const f of this.files) hash.update(`${f}\0${this.texts.get(f) ?? ''}\0`);
    return hash.digest('hex');
  }
}
