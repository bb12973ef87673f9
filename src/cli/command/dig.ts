// gtm dig: one question to a DNS server, and with --explain to the node, how its answer comes about.
import { mnemonics, typeCode } from '../../dns/rr.ts';
import { GtmError } from '../../kit/errors.ts';
import { formatEndpoint, parseIp } from '../../kit/ip.ts';
import { nearest } from '../../kit/suggest.ts';
import { plain } from '../../kit/text.ts';
import type { Explanation } from '../../model/status.ts';
import { ask } from '../../net/ask.ts';
import { adminClient } from '../client.ts';
import { type Context, timeoutOf, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';
import { readReply, replyText } from '../reply.ts';
import { defaultServer, parseServer, type Server } from '../server.ts';

interface Question {
  server: Server | undefined;
  name: string;
  type: string;
}

export async function run(ctx: Context): Promise<number> {
  const question = questionOf(ctx.args);
  const explain = ctx.flags.on('explain');
  const from = ctx.flags.text('from');
  if (from !== undefined && !explain)
    throw new GtmError('GTM_USAGE', '--from says who an explanation is for: it needs --explain');
  if (from !== undefined && parseIp(from) === undefined)
    throw new GtmError('GTM_USAGE', `--from: «${from}» is not an IPv4 or IPv6 address`);
  // An answer asked for from here says nothing of one asked for from there.
  const answer = from === undefined ? await answerOf(ctx, question) : undefined;
  const why = explain ? await explanationOf(ctx, question, from) : undefined;
  if (ctx.flags.on('json')) {
    const explanation = why === undefined ? {} : { explanation: why };
    writeJson(ctx, 'DnsAnswer', { ...answer?.json, ...explanation });
  } else if (!ctx.flags.on('quiet'))
    ctx.io.out([answer?.text, why && explanationText(why)].filter(Boolean).join('\n\n').concat('\n'));
  return EXIT.ok;
}

function questionOf(args: readonly string[]): Question {
  const at = args.filter(a => a.startsWith('@'));
  const [name, type = 'A', ...more] = args.filter(a => !a.startsWith('@'));
  if (name === undefined) throw new GtmError('GTM_USAGE', 'dig: NAME is missing; see gtm dig --help');
  if (at.length > 1 || more.length > 0)
    throw new GtmError('GTM_USAGE', 'dig asks one server one question: [@SERVER] NAME [TYPE]');
  if (typeCode(type) === undefined) {
    const near = nearest(type.toUpperCase(), mnemonics());
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw new GtmError('GTM_USAGE', `«${type}» is not an RR type${hint}`);
  }
  return { server: at.length === 0 ? undefined : parseServer(at[0]), name, type: type.toUpperCase() };
}

async function answerOf(ctx: Context, q: Question): Promise<{ text: string; json: object }> {
  const { address, port } = q.server ?? (await defaultServer(ctx));
  const at = formatEndpoint(address, port);
  const { name, type } = q;
  const timeout = timeoutOf(ctx);
  let reply: Awaited<ReturnType<typeof ask>>;
  try {
    reply = await ask({ server: address, port, name, type, tcp: ctx.flags.on('tcp'), timeout });
  } catch (e) {
    const code = e instanceof GtmError ? e.code : 'GTM_UNREACHABLE';
    throw new GtmError(code, `no answer from ${at}`, e);
  }
  const read = readReply(reply.bytes);
  if (read === undefined) throw new GtmError('GTM_REPLY', `${at} sent a malformed message`);
  const ms = Math.round(reply.ms * 10) / 10;
  const size = reply.bytes.length;
  const tail = `;; ${ms} ms, ${at} over ${reply.transport}, ${size} octets`;
  return {
    text: `${replyText(read)}\n\n${tail}`,
    json: { ...read, server: at, transport: reply.transport, ms, size },
  };
}

async function explanationOf(ctx: Context, q: Question, from: string | undefined): Promise<Explanation> {
  const { name, type } = q;
  const client = adminClient(ctx);
  return (await client.post('/v1/explain', {
    name,
    type,
    ...(from !== undefined && { from }),
  })) as Explanation;
}

/** The question, then one numbered step a line. */
function explanationText(e: Explanation): string {
  const wide = Math.max(0, ...e.steps.map(s => s.topic.length));
  const digits = String(e.steps.length).length;
  const steps = e.steps.map(
    (s, i) => ` ${String(i + 1).padStart(digits)} ${plain(s.topic).padEnd(wide)}  ${plain(s.text)}`,
  );
  return [plain(e.question), ...steps].join('\n');
}
