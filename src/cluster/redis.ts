// The coordinator through one or several Redis, and the only door to ioredis. The map of this room:
//   daemon → openRedisCoordinator → coordinator (what we say, when) → backend (one Redis) → link (one connection) → ioredis
//                                   coordinator ← inbox (what we hear) ← backend
//   pure: record (signed) · body (checked) · view (peers, ageing) · kept, overrides (what outlives its writer) · drops
//   disk: epoch, kept        without Redis: memory (the nodes of one process)
// Invariant: nothing ever waits for a Redis; each is independent, and any one of them is enough.
import type { Cluster, Redis } from 'ioredis';
import { reason } from '../kit/errors.ts';
import { type CoordinatorOptions, RedisCoordinator } from './coordinator.ts';
import type { Connection, Listener } from './link.ts';
import { hide, parseRedisUrl, type Target } from './url.ts';

/**
 * The coordinator of one node over the given Redis (see url.ts for their forms); `start()` connects.
 * Throws GTM_REDIS_URL for a URL that is none.
 */
export function openRedisCoordinator(options: CoordinatorOptions & { urls: string[] }): RedisCoordinator {
  const { urls, ...rest } = options;
  const targets = urls.map(parseRedisUrl);
  // Loaded by start(): what was said before a restart is known without it.
  let ioredis: IoRedis;
  const prepare = async () => {
    ioredis = await import('ioredis');
  };
  return new RedisCoordinator(
    { ...rest, prepare },
    targets.map(t => ({ url: t.shown, dial: listener => dial(ioredis, t, listener) })),
  );
}

type IoRedis = Pick<typeof import('ioredis'), 'Cluster' | 'Redis'>;
type Client = Redis | Cluster;

// No queue, no retry, no resending: Link decides when to try again, with a new client each time.
const COMMON = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 2000,
  disconnectTimeout: 50,
  disableClientInfo: true,
  retryStrategy: () => null,
};

function dial(ioredis: IoRedis, target: Target, listener: Listener): Connection {
  const client = open(ioredis, target);
  let why = 'connection closed';
  client.on('error', (e: Error) => {
    why = hide(target, reason(e));
  });
  client.on('ready', () => listener.ready());
  client.on('end', () => listener.ended(why));
  client.on('message', (channel: string, text: string) => listener.message(channel, text));
  client.connect().catch((e: unknown) => {
    if (why === 'connection closed') why = hide(target, reason(e));
    listener.ended(why);
  });
  return connection(client);
}

function open({ Cluster, Redis }: IoRedis, target: Target): Client {
  const { kind, hosts, tls, db, master } = target;
  const auth = {
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
  };
  const secure = tls ? { tls: {} } : {};
  if (kind === 'cluster')
    return new Cluster(hosts, {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: () => null,
      retryDelayOnFailover: 50,
      retryDelayOnClusterDown: 50,
      // With TLS the certificate is checked against the name, so the name is kept.
      ...(tls
        ? { dnsLookup: (name: string, done: (e: null, address: string) => void) => done(null, name) }
        : {}),
      redisOptions: { ...auth, ...secure, connectTimeout: 2000, disableClientInfo: true },
    });
  if (kind === 'sentinel')
    return new Redis({
      ...COMMON,
      ...auth,
      ...secure,
      db,
      sentinels: hosts,
      name: master as string,
      sentinelRetryStrategy: () => null,
      sentinelCommandTimeout: 500,
      failoverDetector: false,
      enableTLSForSentinelMode: tls,
      ...(tls ? { sentinelTLS: {} } : {}),
    });
  return new Redis({ ...COMMON, ...auth, ...secure, db, host: hosts[0].host, port: hosts[0].port });
}

function connection(client: Client): Connection {
  return {
    script: (text, keys, args) => client.eval(text, keys.length, ...keys, ...args),
    async transact(commands) {
      const results = await client.multi(commands).exec();
      const failed = results?.find(([error]) => error !== null)?.[0];
      if (failed) throw failed;
      if (results === null) throw new Error('the transaction was refused');
    },
    async subscribe(channels) {
      await client.subscribe(...channels);
    },
    async ping() {
      await client.ping();
    },
    close: () => client.disconnect(),
  };
}
