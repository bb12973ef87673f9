// gtm lvs save: services as the rules of ipvsadm. gtm lvs restore: such rules as the `vips:` section of a cluster file.
import { readFileSync, statSync } from 'node:fs';
import { formatDiagnostic, linesOf, summarize } from '../../kit/diag.ts';
import { GtmError, reason } from '../../kit/errors.ts';
import { parseEndpoint } from '../../kit/ip.ts';
import { readRules } from '../../lvs/rules/read.ts';
import { PLAIN, TIMEOUTS } from '../../lvs/rules/rule.ts';
import { type Writable, writeRules } from '../../lvs/rules/write.ts';
import { vipsYaml } from '../../lvs/rules/yaml.ts';
import type { ServiceStatus } from '../../model/status.ts';
import { adminClient } from '../client.ts';
import { type Context, say, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';
import { nodeServices } from '../node-services.ts';

/** Of a file of rules; a hundred bytes a server or so. */
const LARGEST = 64 * 1024 * 1024;

/** From the cluster file where one is named, else from a running node. What is left out fails the run: a backup lacks it. */
export async function save(ctx: Context): Promise<number> {
  const services = ctx.flags.on('config') ? (await nodeServices(ctx)).services : await ofNode(ctx);
  const { text, leftOut } = writeRules(services);
  if (ctx.flags.on('json')) writeJson(ctx, 'LvsRules', { rules: text.split('\n').slice(0, -1), leftOut });
  else {
    ctx.io.out(text);
    for (const line of leftOut) say(ctx, line);
  }
  return leftOut.length > 0 ? EXIT.refused : EXIT.ok;
}

async function ofNode(ctx: Context): Promise<Writable[]> {
  const { items } = (await adminClient(ctx).get('/v1/services')) as { items: ServiceStatus[] };
  return items.map(s => {
    const [protocol, at] = s.key.split(' ');
    const { address, port } = parseEndpoint(at ?? '') ?? { address: at ?? '', port: 0 };
    const { scheduler, flags, forward, persistence } = s;
    return {
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
      address,
      port,
      scheduler: scheduler as Writable['scheduler'],
      flags,
      forward,
      persistence,
      tunnel: s.tunnel ?? PLAIN.tunnel,
      thresholds: s.thresholds ?? PLAIN.thresholds,
      timeouts: s.timeouts ?? TIMEOUTS,
      realServers: s.realServers.map(rs => ({ ...endpointOf(rs.key), weight: rs.weight })),
    };
  });
}

function endpointOf(key: string): { address: string; port: number } {
  return parseEndpoint(key) ?? { address: key, port: 0 };
}

/** Prints the services, or with --check only what is wrong with the rules. */
export async function restore(ctx: Context): Promise<number> {
  const [file] = ctx.args;
  const site = ctx.flags.text('site') ?? 'fra';
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(site))
    throw new GtmError('GTM_USAGE', `--site: «${site}» is not the name of a site`);
  const text = textOf(file);
  const { services, diagnostics } = readRules(text, file === '-' ? 'stdin' : file);
  const ok = diagnostics.length === 0;
  if (ctx.flags.on('json')) writeJson(ctx, 'LvsServices', { ok, services, diagnostics });
  else if (!ok) for (const d of diagnostics) ctx.io.err(`${formatDiagnostic(d, linesOf(text))}\n`);
  else if (!ctx.flags.on('check')) ctx.io.out(vipsYaml(services, site));
  if (ctx.flags.on('check') && !ctx.flags.on('json')) {
    const servers = services.reduce((n, s) => n + s.realServers.length, 0);
    const counts = ok ? `${count(services.length, 'service')}, ${count(servers, 'server')}: ` : '';
    say(ctx, `checked rules: ${counts}${summarize(diagnostics)}`);
  }
  return ok ? EXIT.ok : EXIT.refused;
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

function textOf(file: string): string {
  try {
    if (file !== '-' && statSync(file).size > LARGEST) throw new Error(`larger than ${LARGEST >> 20} MiB`);
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (e) {
    throw new GtmError('GTM_USAGE', `cannot read the rules: ${reason(e)}`);
  }
}
