// gtm check: every fault of the cluster file and its zone files. Warnings fail it with --strict alone.
import { formatDiagnostic, hasErrors, summarize } from '../../kit/diag.ts';
import { type Context, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';

export async function run(ctx: Context): Promise<number> {
  const { checkFiles } = await import('../../daemon/load.ts');
  const { progressBar } = await import('../../daemon/progress.ts');
  const bar = progressBar({ isTTY: ctx.io.errTty, write: ctx.io.err }, () => performance.now());
  const checked = await checkFiles(ctx.flags.text('config') as string, process.env, bar.show);
  bar.done();
  const { diagnostics, sources, counts } = checked;
  const warned = ctx.flags.on('strict') && diagnostics.some(d => d.severity === 'warning');
  const failed = hasErrors(diagnostics) || warned;
  if (ctx.flags.on('json')) writeJson(ctx, 'CheckReport', { ok: !failed, counts, diagnostics });
  else if (!ctx.flags.on('quiet')) {
    for (const d of diagnostics) ctx.io.out(`${formatDiagnostic(d, sources)}\n`);
    const { files, zones, records } = counts;
    const of = [count(files, 'file'), count(zones, 'zone'), count(records, 'record')].join(', ');
    ctx.io.out(`checked ${of}: ${summarize(diagnostics)}\n`);
  }
  return failed ? EXIT.refused : EXIT.ok;
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}
