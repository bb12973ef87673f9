// Rules about the coordinator, the zones and the schedules.
import { formatDuration } from '../../kit/duration.ts';
import { type Finding, type Rule, unknownName, type View } from '../finding.ts';
import { maskUrl } from '../secrets.ts';

/** An HMAC key below this is worth guessing. */
const SHORTEST_SECRET = 16;
/** Below three heartbeats of a second two lost ones make a node look dead. */
const SHORT_LIFETIME = 3000;

export const CLUSTER_RULES: readonly Rule[] = [redis, secret, lifetime, zones, folders, schedules];

function* redis({ config }: View): Generator<Finding> {
  const seen = new Set<string>();
  for (const [i, url] of config.coordinator.redis.entries()) {
    const path = ['coordinator', 'redis', i];
    const title = `coordinator.redis[${i}]`;
    // An empty one comes of a variable that is not set, which is told already.
    if (url === '') continue;
    if (!/^rediss?(\+sentinel|\+cluster)?:\/\/\S+$/.test(url))
      yield {
        code: 'GTM-C044',
        path,
        message: `${title}: expected a URL such as redis://host:6379 or rediss://host:6380`,
      };
    else if (seen.has(url))
      yield {
        code: 'GTM-C044',
        path,
        message: `${title}: ${maskUrl(url)} stands twice: one URL for each Redis`,
      };
    seen.add(url);
  }
}

function* secret({ config }: View): Generator<Finding> {
  const { redis, secret } = config.coordinator;
  if (redis.length > 0 && secret === undefined)
    yield {
      code: 'GTM-C045',
      path: ['coordinator', 'redis'],
      at: 'key',
      needs: [['coordinator', 'secret']],
      message: 'coordinator: Redis needs a secret, which signs the records',
      help: `secret: "\${env:GTM_SECRET}"`,
    };
  // Empty: as above.
  else if (secret !== undefined && secret !== '' && secret.length < SHORTEST_SECRET)
    yield {
      code: 'GTM-C045',
      path: ['coordinator', 'secret'],
      message: `coordinator.secret has under ${SHORTEST_SECRET} characters`,
      help: 'openssl rand -hex 32 makes one',
    };
}

function* lifetime({ config }: View): Generator<Finding> {
  const { lifetime } = config.coordinator;
  if (lifetime >= SHORT_LIFETIME) return;
  yield {
    code: 'GTM-C046',
    path: ['coordinator', 'lifetime'],
    message: `coordinator.lifetime ${formatDuration(lifetime)}: a node that misses a heartbeat or two (one a second) looks dead; from ${formatDuration(SHORT_LIFETIME)} on it does not`,
  };
}

function* zones({ config }: View): Generator<Finding> {
  const names = new Map<string, string>();
  const files = new Map<string, string>();
  for (const [zone, file] of Object.entries(config.zones)) {
    const name = zone.toLowerCase().replace(/(.)\.$/, '$1');
    const first = names.get(name);
    if (first !== undefined)
      yield {
        code: 'GTM-C047',
        path: ['zones', zone],
        at: 'key',
        message: `zones: ${zone} and ${first} are one zone`,
      };
    else names.set(name, zone);
    const parts = file.split(/[/\\]/);
    if (leadsOut(file)) {
      const message = `zones.${zone}: «${file}» is not below the folder of this file`;
      yield { code: 'GTM-C047', path: ['zones', zone], message };
      continue;
    }
    const path = parts.filter(p => p !== '.' && p !== '').join('/');
    const other = files.get(path);
    if (other !== undefined) {
      const message = `zones: ${zone} and ${other} are both read from ${path}, each with its own origin`;
      yield { code: 'GTM-C048', path: ['zones', zone], message };
    } else files.set(path, zone);
  }
}

function* folders({ config }: View): Generator<Finding> {
  for (const [i, folder] of config.zone_folders.entries()) {
    if (!leadsOut(folder)) continue;
    const message = `zone_folders: «${folder}» is not below the folder of this file`;
    yield { code: 'GTM-C047', path: ['zone_folders', i], message };
  }
}

function leadsOut(path: string): boolean {
  return /^([/\\]|[a-z]:)/i.test(path) || path.split(/[/\\]/).includes('..');
}

function* schedules({ config, names, cronFault }: View): Generator<Finding> {
  for (const [name, s] of Object.entries(config.schedules)) {
    const path = ['schedules', name];
    const known = isTimezone(s.timezone);
    if (!known) {
      const message = `schedules.${name}: «${s.timezone}» is not a time zone; write one as Europe/Berlin or UTC`;
      yield { code: 'GTM-C049', path: [...path, 'timezone'], message };
    }
    const fault = cronFault(s.cron, known ? s.timezone : 'UTC');
    if (fault !== undefined)
      yield {
        code: 'GTM-C049',
        path: [...path, 'cron'],
        message: `schedules.${name}: «${s.cron}»: ${fault}`,
      };
    if (s.site !== undefined && names.sites.length > 0 && !names.sites.includes(s.site))
      yield unknownName(
        'GTM-C010',
        [...path, 'site'],
        `schedules.${name}: there is no site`,
        s.site,
        names.sites,
      );
    if (s.vip !== undefined && !names.vips.includes(s.vip))
      yield unknownName(
        'GTM-C015',
        [...path, 'vip'],
        `schedules.${name}: there is no VIP`,
        s.vip,
        names.vips,
      );
  }
}

function isTimezone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
