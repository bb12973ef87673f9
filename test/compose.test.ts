// docker-compose.yml, Dockerfile and zones/compose.yaml held against each other: services, addresses, ports, names,
// secret, user and health check. No Docker engine is wanted.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { COMMANDS } from '../src/cli/commands.ts';
import { loadConfig } from '../src/model/load.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

interface Service {
  image: string;
  build?: string;
  command: string[];
  environment?: Record<string, string>;
  networks: Record<string, { ipv4_address: string }>;
  ports?: string[];
  volumes?: string[];
  user?: string;
  restart: string;
  read_only: boolean;
  privileged?: boolean;
  cap_drop: string[];
  cap_add?: string[];
  security_opt: string[];
  healthcheck: { test: string[] };
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean; ipam: { config: [{ subnet: string }] } }>;
  volumes: Record<string, object>;
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const { services, networks } = compose;
const dockerfile = read('Dockerfile');
const loaded = loadConfig(
  read('zones/compose.yaml'),
  'zones/compose.yaml',
  { GTM_SECRET: 'a secret for this test alone' },
  () => undefined,
);
const config = loaded.config!;

const nodes = Object.entries(services).filter(([, s]) => s.environment?.['GTM_NODE'] !== undefined);
const nodeService = (node: string) => nodes.find(([, s]) => s.environment?.['GTM_NODE'] === node)?.[1];
const addresses = (s: Service) => Object.values(s.networks).map(n => n.ipv4_address);
const realServers = Object.values(config.vips).flatMap(v =>
  v.services.flatMap(s => s.real_servers.map(r => ({ ...r, site: v.site }))),
);

// The last stage of the image, an instruction a line.
const image = dockerfile.slice(dockerfile.lastIndexOf('\nFROM ')).replace(/\\\n/g, ' ');
const instruction = (word: string) => new RegExp(`^${word} (.*)$`, 'm').exec(image)?.[1];

describe('docker-compose.yml and zones/compose.yaml', () => {
  it('the cluster file has no error and no warning', () => {
    assert.deepEqual(
      loaded.diagnostics.filter(d => d.severity !== 'note'),
      [],
    );
    assert.ok(loaded.config);
  });

  it('every service is a node, a Redis or a real server of the cluster file, and the other way round', () => {
    assert.deepEqual(
      nodes.map(([, s]) => s.environment?.['GTM_NODE']).sort(),
      Object.keys(config.nodes).sort(),
    );
    const hosts = config.coordinator.redis.map(url => new URL(url).hostname);
    const names = [...nodes.map(([name]) => name), ...hosts, ...realServers.map(r => r.name)];
    assert.deepEqual([...names].sort(), Object.keys(services).sort());
    // One Redis a site, two real servers a site.
    for (const site of Object.keys(config.sites)) {
      assert.equal(hosts.filter(h => h.endsWith(site)).length, 1, site);
      assert.equal(realServers.filter(r => r.site === site).length, 2, site);
    }
  });

  it('a node has the VIPs that it forwards, and reaches its real servers, every VIP and every Redis', () => {
    for (const [node, { site }] of Object.entries(config.nodes)) {
      const service = nodeService(node);
      assert.ok(service, node);
      assert.ok(site in service.networks, `${node} on network ${site}`);
      for (const vip of Object.values(config.vips)) {
        const forwards = vip.site === site;
        for (const a of vip.addresses) assert.equal(addresses(service).includes(a), forwards, `${node} ${a}`);
        for (const a of vip.addresses)
          assert.equal(services['gtm-'.concat(vip.site)].networks['wan'].ipv4_address, a);
      }
      for (const url of config.coordinator.redis) {
        const redis = services[new URL(url).hostname];
        assert.ok(
          Object.keys(redis.networks).some(n => n in service.networks),
          `${node} reaches ${url}`,
        );
      }
    }
  });

  it('a real server listens where the cluster file has it, on the network of its site alone', () => {
    for (const { name, address, port, site } of realServers) {
      const service = services[name as string];
      assert.deepEqual(service.networks, { [site]: { ipv4_address: address } });
      assert.deepEqual(service.command, ['real-server', '--name', name, '--listen', `0.0.0.0:${port}`]);
      assert.ok(service.healthcheck.test.some(t => t.includes(`127.0.0.1:${port}/healthz`)));
      assert.equal(service.ports, undefined);
    }
  });

  it('addresses are unique and inside their networks, which do not overlap', () => {
    const all = Object.values(services).flatMap(addresses);
    assert.equal(new Set(all).size, all.length);
    const prefix = (network: string) =>
      /^(\d+\.\d+\.\d+)\.0\/24$/.exec(networks[network].ipam.config[0].subnet)?.[1];
    assert.equal(new Set(Object.keys(networks).map(prefix)).size, Object.keys(networks).length);
    for (const [name, service] of Object.entries(services))
      for (const [network, { ipv4_address }] of Object.entries(service.networks)) {
        const [, host] = ipv4_address.split(`${prefix(network)}.`);
        assert.ok(Number(host) > 1 && Number(host) < 255, `${name} ${ipv4_address}`);
      }
    // Published ports lead to a node's address on the only network with a way out: that of its VIP.
    assert.deepEqual(
      Object.keys(networks).filter(n => !networks[n].internal),
      ['wan'],
    );
  });

  it('ports are published on loopback, once each, and lead to what listens: DNS on both transports, admin, VIPs', () => {
    const taken = new Set<string>();
    for (const [name, service] of Object.entries(services)) {
      const inside: string[] = [];
      for (const port of service.ports ?? []) {
        const m = /^127\.0\.0\.1:(\d+):(\d+)\/(udp|tcp)$/.exec(port);
        assert.ok(m, port);
        const outside = `${m[1]}/${m[3]}`;
        assert.ok(!taken.has(outside), `${name}: ${outside} twice`);
        taken.add(outside);
        inside.push(`${m[2]}/${m[3]}`);
      }
      const node = service.environment?.['GTM_NODE'];
      if (node === undefined) {
        assert.deepEqual(inside, [], `${name} publishes nothing`);
        continue;
      }
      const { dns, admin, site } = config.nodes[node];
      const vips = Object.values(config.vips).filter(v => v.site === site);
      assert.deepEqual(
        inside.sort(),
        [
          ...(dns?.listen.flatMap(e => [`${e.port}/udp`, `${e.port}/tcp`]) ?? []),
          `${admin?.listen.port}/tcp`,
          ...vips.flatMap(v => v.services.map(s => `${s.port}/${s.protocol}`)),
        ].sort(),
      );
      for (const e of [...(dns?.listen ?? []), admin!.listen]) assert.equal(e.address, '0.0.0.0');
      for (const p of inside) assert.ok(instruction('EXPOSE')?.split(' ').includes(p), `EXPOSE ${p}`);
    }
  });

  it('the secret comes from the environment, must be set, and stands in no file', () => {
    assert.match(read('zones/compose.yaml'), /^ {2}secret: "\$\{env:GTM_SECRET\}"$/m);
    for (const [, { environment }] of nodes)
      assert.match(environment?.['GTM_SECRET'] ?? '', /^\$\{GTM_SECRET:\?.+\}$/);
    assert.doesNotMatch(dockerfile, /SECRET/);
  });

  it('the cluster file and its zones are mounted where they are looked for, and state is kept in a volume of its own', () => {
    const kept = new Set<string>();
    for (const [name, service] of nodes) {
      const mounts = new Map((service.volumes ?? []).map(v => [v.split(':')[1], v.split(':')] as const));
      const file = service.environment?.['GTM_CONFIG'] ?? '';
      assert.equal(mounts.get('/app/zones')?.join(':'), './zones:/app/zones:ro');
      assert.ok(file.startsWith('/app/zones/') && existsSync(join(ROOT, file.slice('/app/'.length))), file);
      const volume = mounts.get(config.state_dir)?.[0] ?? '';
      assert.ok(volume in compose.volumes && !kept.has(volume), `${name}: ${volume}`);
      kept.add(volume);
    }
    assert.deepEqual([...kept].sort(), Object.keys(compose.volumes).sort());
    for (const file of Object.values(config.zones)) assert.ok(existsSync(join(ROOT, 'zones', file)), file);
    assert.ok(image.includes(`install -d -o node -g node -m 0700 ${config.state_dir}`));
  });

  it('no service has more than it needs', () => {
    for (const [name, s] of Object.entries(services)) {
      assert.deepEqual(s.cap_drop, ['ALL'], name);
      assert.deepEqual(s.security_opt, ['no-new-privileges:true'], name);
      assert.equal(s.read_only, true, name);
      assert.equal(s.restart, 'unless-stopped', name);
      assert.equal(s.privileged, undefined, name);
      // No port below 1024, so no capability to bind one.
      assert.equal(s.cap_add, undefined, name);
      assert.ok(s.healthcheck.test.length > 1, name);
      if (s.image !== 'switchyard') assert.match(s.image, /:\d/, `${name}: ${s.image} has a version`);
      if (s.image !== 'switchyard') assert.notEqual(s.user?.split(':')[0] ?? '0', '0', name);
    }
  });

  it('what containers run are commands of gtm with flags that they have', () => {
    for (const { command, image } of Object.values(services)) {
      if (image !== 'switchyard') continue;
      const known = COMMANDS.find(c => c.path.join(' ') === command[0]);
      assert.ok(known, command[0]);
      for (const word of command.filter(w => w.startsWith('--')))
        assert.ok((known.flags as readonly string[]).includes(word.slice(2)), word);
    }
    for (const [, s] of nodes) assert.deepEqual(s.healthcheck.test, ['CMD', 'gtm', 'status', '-q']);
    const status = COMMANDS.find(c => c.path.join(' ') === 'status');
    assert.ok(status?.flags.includes('quiet'));
  });
});

describe('Dockerfile', () => {
  const manifest = JSON.parse(read('package.json')) as {
    bin: { gtm: string };
    scripts: Record<string, string>;
  };

  it('runs as a user that is not root, and says how it is', () => {
    assert.equal(instruction('USER'), 'node');
    assert.ok(image.indexOf('\nUSER ') < image.indexOf('\nENTRYPOINT '));
    assert.match(instruction('HEALTHCHECK') ?? '', /CMD \["gtm", "status", "-q"\]$/);
    assert.equal(instruction('ENTRYPOINT'), '["gtm"]');
    assert.ok(image.includes(`ln -s /app/${manifest.bin.gtm} /usr/local/bin/gtm`));
  });

  it('is built with the lock file, and runs without what only the build needs', () => {
    const stages = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(m => m[1]);
    assert.deepEqual(stages, ['node:20.20-bookworm-slim', 'node:20.20-bookworm-slim']);
    assert.match(dockerfile, /^RUN npm ci --ignore-scripts$/m);
    assert.ok('build' in manifest.scripts && /^RUN npm run build$/m.test(dockerfile));
    assert.match(instruction('RUN') ?? '', /^npm ci --omit=dev --ignore-scripts/);
    assert.match(image, /^ENV NODE_ENV=production/m);
  });

  it('what it copies is there and is let in by .dockerignore', () => {
    const let_in = read('.dockerignore')
      .split('\n')
      .filter(l => l.startsWith('!'))
      .map(l => l.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(m => m[1].split(' '));
    assert.ok(copied.length >= 4);
    for (const path of copied) assert.ok(existsSync(join(ROOT, path)) && let_in.includes(path), path);
    assert.deepEqual(
      let_in.filter(p => !copied.includes(p)),
      [],
    );
    assert.ok(readdirSync(join(ROOT, 'zones')).includes('compose.yaml'));
  });
});
