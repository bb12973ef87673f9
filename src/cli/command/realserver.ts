// gtm realserver: prepares a Linux real server for a forwarding mode, says what is wrong on one, takes it all back.
import { GtmError } from '../../kit/errors.ts';
import { formatIp, parseIp } from '../../kit/ip.ts';
import type { Action, Facts, Finding, Mode, Tunnel, Wish } from '../../realserver/wish.ts';
import { type Context, say, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';

export async function check(ctx: Context): Promise<number> {
  const { findings } = await look(ctx);
  const failed = findings.some(f => f.level === 'error');
  if (ctx.flags.on('json')) writeJson(ctx, 'RealServerReport', { ok: !failed, findings });
  else if (!ctx.flags.on('quiet')) {
    for (const f of findings) ctx.io.out(`${await findingText(f)}\n`);
    if (findings.length === 0) ctx.io.out('nothing is wrong\n');
  }
  return failed ? EXIT.refused : EXIT.ok;
}

export async function setup(ctx: Context): Promise<number> {
  const { carryOut } = await import('../../realserver/act.ts');
  const { actionText } = await import('../../realserver/wish.ts');
  const yes = ctx.flags.on('yes');
  const { findings } = await look(ctx);
  const steps = findings.flatMap(f => f.steps);
  const left = findings.filter(f => f.steps.length === 0);
  if (ctx.flags.on('json')) writeJson(ctx, 'RealServerSetup', { done: yes, steps, left });
  else
    for (const f of findings.filter(f => f.steps.length > 0)) {
      ctx.io.out(`# ${f.what}\n`);
      if (!yes) for (const s of f.steps) ctx.io.out(`${actionText(s.do)}\n`);
      else await carryOut(stateOf(ctx), f.steps, a => ctx.io.out(`${actionText(a)}\n`));
    }
  if (ctx.flags.on('json') && yes) await carryOut(stateOf(ctx), steps, () => {});
  for (const f of left) say(ctx, await findingText(f));
  if (steps.length === 0) say(ctx, left.length === 0 ? 'nothing to do' : 'nothing that setup could do');
  else
    say(ctx, yes ? `${steps.length} steps done` : `${steps.length} steps; nothing was done: --yes does them`);
  return left.some(f => f.level === 'error') ? EXIT.refused : EXIT.ok;
}

export async function undo(ctx: Context): Promise<number> {
  const act = await import('../../realserver/act.ts');
  const { actionText } = await import('../../realserver/wish.ts');
  const yes = ctx.flags.on('yes');
  const actions = act.undoing(stateOf(ctx));
  const print = (a: Action) => {
    if (!ctx.flags.on('json')) ctx.io.out(`${actionText(a)}\n`);
  };
  if (!yes) for (const action of actions) print(action);
  const failed = yes ? await act.undo(stateOf(ctx), print) : [];
  if (ctx.flags.on('json')) writeJson(ctx, 'RealServerUndo', { done: yes, actions, failed });
  for (const text of failed) ctx.io.err(`error: ${text}\n`);
  if (actions.length === 0) say(ctx, 'nothing to undo');
  else if (!yes) say(ctx, 'nothing was done: --yes does it');
  else
    say(
      ctx,
      failed.length === 0 ? 'all is as it was' : 'the rest is undone; do it again when that is mended',
    );
  return failed.length > 0 ? EXIT.refused : EXIT.ok;
}

/** Reads clients' addresses out of saved SYNs, for trying out: an HTTP server that says them. */
export async function toa(ctx: Context): Promise<number> {
  const { serveToa } = await import('../../realserver/toa-server.ts');
  await serveToa({
    listen: ctx.flags.text('listen') as string,
    ready: text => say(ctx, text),
  });
  return EXIT.interrupted;
}

/** Takes tunnelled packets out in user space. */
export async function decap(ctx: Context): Promise<number> {
  const { decapsulate } = await import('../../realserver/decap.ts');
  const end = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end.abort());
  await decapsulate({
    vips: addresses(ctx, 'vip'),
    port: portOf(ctx),
    ready: text => say(ctx, text),
    signal: end.signal,
  });
  return EXIT.ok;
}

async function look(ctx: Context): Promise<{ wish: Wish; facts: Facts; findings: Finding[] }> {
  const { readFacts } = await import('../../realserver/facts.ts');
  const { plan } = await import('../../realserver/plan.ts');
  const wish = await wishOf(ctx);
  const facts = await readFacts(wish.directors);
  return { wish, facts, findings: plan(wish, facts) };
}

async function wishOf(ctx: Context): Promise<Wish> {
  const { MODES, TUNNELS } = await import('../../realserver/wish.ts');
  const mode = ctx.flags.text('mode') as string;
  if (!MODES.includes(mode as Mode))
    throw new GtmError('GTM_USAGE', `--mode: «${mode}» is none of ${MODES.join(', ')}`);
  const tunnel = ctx.flags.text('tunnel') as string;
  if (!TUNNELS.includes(tunnel as Tunnel))
    throw new GtmError('GTM_USAGE', `--tunnel: «${tunnel}» is none of ${TUNNELS.join(', ')}`);
  const link = ctx.flags.text('interface');
  const [own, ...more] = addresses(ctx, 'address');
  if (more.length > 0)
    throw new GtmError('GTM_USAGE', '--address: one address; set up each with a run of its own');
  return {
    mode: mode as Mode,
    vips: addresses(ctx, 'vip'),
    directors: addresses(ctx, 'director'),
    ...(link !== undefined && { interface: link }),
    ...(own !== undefined && { address: own }),
    tunnel: tunnel as Tunnel,
    port: portOf(ctx),
  };
}

function portOf(ctx: Context): number {
  const port = Number(ctx.flags.text('tunnel-port'));
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new GtmError('GTM_USAGE', '--tunnel-port: a port is a number from 1 to 65535');
  return port;
}

// As the system writes them, whatever way they were typed.
function addresses(ctx: Context, flag: 'vip' | 'director' | 'address'): string[] {
  const texts = (ctx.flags.text(flag) ?? '').split(',').filter(t => t !== '');
  return texts.map(text => {
    const bytes = parseIp(text);
    if (bytes === undefined) throw new GtmError('GTM_USAGE', `--${flag}: «${text}» is no address`);
    return formatIp(bytes);
  });
}

function stateOf(ctx: Context): string {
  return ctx.flags.text('state') as string;
}

async function findingText(f: Finding): Promise<string> {
  const { actionText } = await import('../../realserver/wish.ts');
  const remedy = f.steps.length > 0 ? f.steps.map(s => actionText(s.do)).join(' && ') : f.remedy;
  return [`${f.level}: ${f.what} [${f.name}]`, `  why: ${f.why}`, `  remedy: ${remedy ?? '-'}`].join('\n');
}
