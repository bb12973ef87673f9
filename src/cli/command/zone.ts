// gtm zone check | print | diff | ls: zone files, as they stand here, and the zones of a node.
import { formatName, relativeName } from '../../dns/name.ts';
import { printRdata } from '../../dns/rdata-text.ts';
import type { RecordList } from '../../dns/records.ts';
import { typeText } from '../../dns/rr.ts';
import { type Change, diffZones } from '../../dns/zonefile/diff.ts';
import { inOrder } from '../../dns/zonefile/order.ts';
import { printZone } from '../../dns/zonefile/print.ts';
import { type Diagnostic, formatDiagnostic, hasErrors, type SourceOf, summarize } from '../../kit/diag.ts';
import { GtmError } from '../../kit/errors.ts';
import { plain } from '../../kit/text.ts';
import { adminClient } from '../client.ts';
import { type Context, say, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';
import { painter, table } from '../table.ts';

async function finder(ctx: Context) {
  const { ZoneFinder } = await import('../../daemon/zone-files.ts');
  return new ZoneFinder(ctx.flags.text('config') as string, process.env);
}

/** Every fault of the zones named, or of all zones of the cluster file. */
export async function check(ctx: Context): Promise<number> {
  const files = await finder(ctx);
  const faults: Faults[] = [];
  let zones = ctx.args.length;
  let records = 0;
  if (ctx.args.length === 0) {
    const all = files.checkAll();
    faults.push(all);
    ({ zones, records } = all);
  }
  for (const target of ctx.args) {
    const zone = files.open(target, ctx.flags.text('origin'));
    faults.push(zone);
    records += zone.records.count;
  }
  if (ctx.args.length > 0 && !files.knowsPools)
    say(ctx, 'note: without a cluster file, pools are not known: any is taken');
  const diagnostics = faults.flatMap(f => f.diagnostics);
  const warned = ctx.flags.on('strict') && diagnostics.some(d => d.severity === 'warning');
  const failed = hasErrors(diagnostics) || warned;
  const counts = { zones, records };
  if (ctx.flags.on('json')) writeJson(ctx, 'CheckReport', { ok: !failed, counts, diagnostics });
  else if (!ctx.flags.on('quiet')) {
    for (const f of faults) ctx.io.out(textOf(f));
    ctx.io.out(`checked ${count(zones, 'zone')}, ${count(records, 'record')}: ${summarize(diagnostics)}\n`);
  }
  return failed ? EXIT.refused : EXIT.ok;
}

/** A zone in canonical order; with --static as plain RFC 1035, with the answers that a node gives now. */
export async function print(ctx: Context): Promise<number> {
  const [target] = ctx.args;
  if (ctx.flags.on('static')) return printStatic(ctx, target);
  const zone = (await finder(ctx)).open(target, ctx.flags.text('origin'));
  if (isRefused(ctx, zone)) return EXIT.refused;
  const records = inOrder(zone.records);
  if (ctx.flags.on('json')) {
    const list = Array.from({ length: records.count }, (_, i) => recordOf(records, i));
    writeJson(ctx, 'Zone', { zone: zone.name, file: zone.file, records: list });
  } else ctx.io.out(printZone(records, zone.origin));
  return EXIT.ok;
}

async function printStatic(ctx: Context, target: string): Promise<number> {
  if (ctx.flags.text('origin') !== undefined)
    throw new GtmError(
      'GTM_USAGE',
      'zone print --static asks a node for a zone by its name: it takes no --origin',
    );
  const name = encodeURIComponent(target.replace(/\.$/, ''));
  const zone = (await adminClient(ctx).get(`/v1/zones/${name}/static`)) as { text: string };
  ctx.io.out(ctx.flags.on('json') ? `${JSON.stringify(zone)}\n` : zone.text);
  return EXIT.ok;
}

/** What is other in NEW than in OLD. With --exit-code a difference is exit code 5. */
export async function diff(ctx: Context): Promise<number> {
  const files = await finder(ctx);
  const [old, fresh] = openBoth(files, ctx.args, ctx.flags.text('origin'));
  if (isRefused(ctx, old) || isRefused(ctx, fresh)) return EXIT.refused;
  if (old.name.toLowerCase() !== fresh.name.toLowerCase())
    throw new GtmError(
      'GTM_USAGE',
      `${old.name} and ${fresh.name} are not the same zone; for files, say which with --origin`,
    );
  const { before, after, changes } = diffZones(old.records, fresh.records);
  const counts = { created: 0, updated: 0, deleted: 0 };
  for (const c of changes) counts[actionOf(c)]++;
  if (ctx.flags.on('json')) {
    const list = changes.map(c => changeOf(before, after, c));
    writeJson(ctx, 'ZoneDiff', { zone: fresh.name, counts, changes: list });
  } else if (!ctx.flags.on('quiet')) {
    for (const c of changes) ctx.io.out(`${changeText(ctx, before, after, c, fresh.origin)}\n`);
    const { created, updated, deleted } = counts;
    ctx.io.out(`${created} created, ${updated} updated, ${deleted} deleted\n`);
  }
  return changes.length > 0 && ctx.flags.on('exit-code') ? EXIT.different : EXIT.ok;
}

/** The zones that a node serves. */
export async function ls(ctx: Context): Promise<number> {
  const list = (await adminClient(ctx).get('/v1/zones')) as { items: ZoneRow[] };
  if (ctx.flags.on('json')) ctx.io.out(`${JSON.stringify(list)}\n`);
  else if (!ctx.flags.on('quiet')) {
    const columns = [
      { head: 'ZONE' },
      { head: 'SERIAL', right: true },
      { head: 'RECORDS', right: true },
      { head: 'FILE' },
    ];
    const rows = list.items.map(z => [z.name, String(z.serial), String(z.records), z.file]);
    ctx.io.out(`${table(columns, rows, painter(ctx.color)).join('\n')}\n`);
  }
  return EXIT.ok;
}

interface ZoneRow {
  name: string;
  serial: number;
  records: number;
  file: string;
}

interface Faults {
  diagnostics: readonly Diagnostic[];
  sources: SourceOf;
}

type Opened = ReturnType<Awaited<ReturnType<typeof finder>>['open']>;

// A zone by its name tells what zone a file beside it is.
function openBoth(
  files: Awaited<ReturnType<typeof finder>>,
  [a, b]: readonly string[],
  origin: string | undefined,
): [Opened, Opened] {
  if (origin !== undefined) return [files.open(a, origin), files.open(b, origin)];
  if (files.names(a)) {
    const old = files.open(a);
    return [old, files.names(b) ? files.open(b) : files.open(b, old.name)];
  }
  const fresh = files.open(b);
  return [files.names(b) ? files.open(a, fresh.name) : files.open(a), fresh];
}

// Errors are told on stderr: what is asked for comes out whole or not at all.
function isRefused(ctx: Context, zone: Opened): boolean {
  if (!hasErrors(zone.diagnostics)) return false;
  if (ctx.flags.on('json'))
    writeJson(ctx, 'CheckReport', {
      ok: false,
      counts: { zones: 1, records: zone.records.count },
      diagnostics: zone.diagnostics,
    });
  else ctx.io.err(textOf({ ...zone, diagnostics: zone.diagnostics.filter(d => d.severity === 'error') }));
  return true;
}

function textOf({ diagnostics, sources }: Faults): string {
  return diagnostics.map(d => `${formatDiagnostic(d, sources)}\n`).join('');
}

function recordOf(records: RecordList, i: number) {
  const data = printRdata(records.type[i], records.rdataBytes(i));
  return {
    name: formatName(records.ownerBytes(i)),
    ttl: records.ttl[i],
    type: typeText(records.type[i]),
    data,
  };
}

function actionOf({ before, after }: Change): 'created' | 'updated' | 'deleted' {
  return before < 0 ? 'created' : after < 0 ? 'deleted' : 'updated';
}

function changeOf(before: RecordList, after: RecordList, change: Change): object {
  const side = (records: RecordList, i: number) => {
    const { ttl, data } = recordOf(records, i);
    return { ttl, data };
  };
  const { name, type } = change.after < 0 ? recordOf(before, change.before) : recordOf(after, change.after);
  return {
    action: actionOf(change),
    name,
    type,
    ...(change.before >= 0 && { old: side(before, change.before) }),
    ...(change.after >= 0 && { new: side(after, change.after) }),
  };
}

// `~ www 60 A 192.0.2.1 → 192.0.2.2`
function changeText(
  ctx: Context,
  before: RecordList,
  after: RecordList,
  change: Change,
  origin: Uint8Array,
): string {
  const [records, i] = change.after < 0 ? [before, change.before] : [after, change.after];
  const owner = relativeName(records.ownerBytes(i), origin);
  const type = typeText(records.type[i]);
  const data = printRdata(records.type[i], records.rdataBytes(i), origin);
  const paint = painter(ctx.color);
  if (change.before < 0) return paint('good', plain(`+ ${owner} ${records.ttl[i]} ${type} ${data}`));
  if (change.after < 0) return paint('bad', plain(`- ${owner} ${records.ttl[i]} ${type} ${data}`));
  const [oldTtl, ttl] = [before.ttl[change.before], after.ttl[change.after]];
  const old = printRdata(before.type[change.before], before.rdataBytes(change.before), origin);
  const ttls = oldTtl === ttl ? String(ttl) : `${oldTtl} → ${ttl}`;
  const datas = old === data ? data : `${old} → ${data}`;
  return paint('hold', plain(`~ ${owner} ${ttls} ${type} ${datas}`));
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}
