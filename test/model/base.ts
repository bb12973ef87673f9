// A cluster file without a fault, to be broken by tests, and the means to break it.
import { type Loaded, loadConfig } from '../../src/model/load.ts';

export const SECRET = 'correct-horse-battery-staple';
export const ENV = { GTM_SECRET: SECRET, SHORT: 'hunter2', EMPTY: '', REDIS_PASSWORD: 'swordfish' };

export const BASE = `cluster: example
coordinator:
  redis: ["redis://10.0.0.1:6379", "redis://10.0.1.1:6379"]
  secret: "\${env:GTM_SECRET}"
  lifetime: 5s
sites:
  fra: { region: eu }
  nyc: { region: us }
nodes:
  fra-1:
    site: fra
    dns: { listen: ["192.0.2.1:53"] }
    admin: { listen: 127.0.0.1:8053 }
    director: { plane: proxy }
  nyc-1:
    site: nyc
    dns: { listen: ["198.51.100.1:53"] }
    admin: { listen: 127.0.0.1:8053 }
    director: { plane: proxy }
vips:
  web-fra:
    site: fra
    addresses: [192.0.2.10]
    services:
      - protocol: tcp
        port: 80
        scheduler: wrr
        check: { http: { path: /healthz }, interval: 2s, timeout: 500ms, rise: 2, fall: 3 }
        real_servers:
          - { name: fra-a, address: 10.0.0.11, port: 8080, weight: 100 }
          - { name: fra-b, address: 10.0.0.12, port: 8080, weight: 50 }
  web-nyc:
    site: nyc
    addresses: [198.51.100.10]
    services:
      - protocol: tcp
        port: 80
        scheduler: wlc
        check: { tcp: {}, interval: 2s, timeout: 500ms }
        real_servers:
          - { name: nyc-a, address: 10.0.1.11, port: 8080, weight: 100 }
          - { name: nyc-b, address: 10.0.1.12, port: 8080, weight: 100 }
pools:
  web: { policy: weighted, answers: 2, ttl: 10s, all_down: all, members: [{ vip: web-fra, weight: 60 }, { vip: web-nyc, weight: 40 }] }
  api:
    policy: failover
    ttl: 10s
    members:
      - { vip: web-fra }
      - { vip: web-nyc }
zones:
  example.com: example.com.zone
schedules:
  nightly: { cron: "0 2 * * *", timezone: Europe/Berlin, for: 2h, site: nyc, weight: 0% }
`;

/** A text to find (once in the base) and what stands in its place. */
export type Patch = readonly [find: string, put: string];

/** The base with patches applied; a patch whose text is not there exactly once is a fault of the test. */
export function patched(...patches: readonly Patch[]): string {
  let text = BASE;
  for (const [find, put] of patches) {
    const parts = text.split(find);
    if (parts.length !== 2) throw new Error(`«${find}» stands ${parts.length - 1} times in the base`);
    text = parts.join(put);
  }
  return text;
}

/** Knows one bad expression. */
export function cronFault(expression: string): string | undefined {
  return expression.startsWith('61') ? '61 is not a minute' : undefined;
}

/** Misses one program. */
export function programFault(path: string): string | undefined {
  return path === '/missing' ? `there is no program ${path}` : undefined;
}

export function load(text: string, env: Record<string, string | undefined> = ENV): Loaded {
  return loadConfig(text, 'gtm.yaml', env, cronFault, programFault);
}
