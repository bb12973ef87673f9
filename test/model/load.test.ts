// The cluster file: the table of broken ones, several faults in one run, secrets, and the sample as it ships.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Diagnostic, formatDiagnostic, linesOf } from '../../src/kit/diag.ts';
import { CODES } from '../../src/model/codes.ts';
import { BASE, ENV, load, patched, SECRET } from './base.ts';
import { ROWS, variable } from './rows.ts';
import { SOUND, TUNNELS } from './rows-forwarding.ts';

/** What reading the files brings: test/daemon/load.test.ts. */
const OF_FILES = new Set(['GTM-C00A', 'GTM-C04A']);

const ROOT = join(import.meta.dirname, '..', '..', '..');
const MARK = '‹';

function places(all: readonly Diagnostic[]): string[] {
  return all.map(d => `${d.line}:${d.col} ${d.code} ${d.message}`);
}

// The text without its mark, and where the mark stood.
function unmark(text: string): { text: string; line: number; col: number } {
  const at = text.indexOf(MARK);
  const before = at < 0 ? '' : text.slice(0, at);
  return {
    text: text.replace(MARK, ''),
    line: before.split('\n').length,
    col: before.length - before.lastIndexOf('\n'),
  };
}

describe('the cluster file', () => {
  it('base without a fault: no diagnostic, and all defaults', () => {
    const { config, diagnostics } = load(BASE);
    assert.deepEqual(diagnostics, []);
    assert.equal(config?.coordinator.secret, SECRET);
    assert.equal(config.pools['web'].ttl, 10_000);
    assert.equal(config.pools['api'].members[0].weight, 1);
    assert.equal(config.schedules['nightly'].weight, 0);
    assert.deepEqual(config.nodes['fra-1'].dns?.listen, [{ address: '192.0.2.1', port: 53 }]);
  });

  it('the sample: no error and no warning', () => {
    const text = readFileSync(join(ROOT, 'zones', 'gtm.yaml'), 'utf8');
    const { config, diagnostics, zonePlaces } = load(text, {});
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(Object.keys(config?.vips ?? {}), ['web-fra', 'web-nyc']);
    const line = text.split('\n').findIndex(l => l.includes('example.com: example.com.zone')) + 1;
    assert.deepEqual(zonePlaces.get('example.com'), { line, col: 16, endCol: 32 });
  });

  for (const { code, patches, says, help } of ROWS)
    it(`${code} ${says.slice(0, 90)}`, () => {
      const { text, line, col } = unmark(patched(...patches));
      const { config, diagnostics } = load(text);
      assert.equal(diagnostics.length, 1, places(diagnostics).join('\n'));
      const [d] = diagnostics;
      assert.deepEqual([d.code, d.line, d.col], [code, line, col], d.message);
      assert.ok(d.message.includes(says), d.message);
      if (help !== undefined) assert.ok(d.help?.startsWith(help) || d.help?.includes(help), d.help);
      assert.equal(d.file, 'gtm.yaml');
      assert.ok((d.endCol ?? 0) > d.col);
      assert.equal(config !== undefined, d.severity !== 'error');
    });

  it('every code is in the table of broken files', () => {
    const shown = new Set<string>(ROWS.map(r => r.code));
    assert.deepEqual(
      Object.keys(CODES).filter(code => !shown.has(code) && !OF_FILES.has(code)),
      [],
    );
  });
});

describe('forwarding', () => {
  for (const { patches, code, says } of TUNNELS)
    it(`${code} ${says}, beside the note on its MTU`, () => {
      const { diagnostics } = load(patched(...patches));
      assert.deepEqual(diagnostics.map(d => d.code).sort(), [code, 'GTM-C054'].sort());
      assert.ok(
        diagnostics.some(d => d.message.includes(says)),
        places(diagnostics).join('\n'),
      );
    });

  for (const [what, patches] of SOUND)
    it(`nothing is said of ${what}`, () => {
      assert.deepEqual(places(load(patched(...patches)).diagnostics), []);
    });
});

describe('all faults in one run', () => {
  it('faults of every kind beside each other, in reading order', () => {
    const text = patched(
      ['lifetime: 5s', 'lifetime: 5'],
      ['site: fra\n    dns', 'site: fr\n    dns'],
      ['[192.0.2.10]', '[192.0.2.300]'],
      ['scheduler: wrr', 'schedular: wrr'],
      ['answers: 2, ttl: 10s', 'answers: two, ttl: 10m'],
      ['      - { vip: web-nyc }', '      - { vip: web-nick }'],
      ['Europe/Berlin', 'Mars/Olympus'],
    );
    const { config, diagnostics } = load(text);
    assert.equal(config, undefined);
    assert.deepEqual(
      diagnostics.map(d => `${d.line} ${d.code}`),
      [
        '5 GTM-C004',
        '11 GTM-C010',
        '23 GTM-C004',
        '27 GTM-C003',
        '44 GTM-C004',
        '44 GTM-C021',
        '50 GTM-C015',
        '54 GTM-C049',
      ],
      places(diagnostics).join('\n'),
    );
  });

  it('what failed to parse brings no echo', () => {
    // A director that does not parse: nobody says that site fra has none. A pool that does not: its VIPs are not «unused».
    const noDirector = patched([
      '8053 }\n    director: { plane: proxy }\n  nyc-1',
      '8053 }\n    director: { plane: prxy }\n  nyc-1',
    ]);
    assert.deepEqual(
      load(noDirector).diagnostics.map(d => d.code),
      ['GTM-C004'],
    );
    const noPool = patched(
      ['  api:\n    policy: failover', '  api:\n    policy: 3'],
      ['policy: weighted', 'policy: 4'],
    );
    assert.deepEqual(
      load(noPool).diagnostics.map(d => d.code),
      ['GTM-C004', 'GTM-C004'],
    );
    // Not: «time-out 500ms not below the default interval», and not: «no check».
    const noCheck = patched(['check: { tcp: {}, interval: 2s, timeout: 500ms }', 'chek: { tcp: {} }']);
    assert.deepEqual(
      load(noCheck).diagnostics.map(d => d.code),
      ['GTM-C003'],
    );
    const noInterval = patched([
      'check: { tcp: {}, interval: 2s, timeout: 500ms }',
      'check: { tcp: {}, interval: 60, timeout: 50s }',
    ]);
    assert.deepEqual(
      load(noInterval).diagnostics.map(d => d.code),
      ['GTM-C004'],
    );
  });

  it('a broken text tells its faults of syntax alone', () => {
    const { diagnostics } = load(
      patched([
        'admin: { listen: 127.0.0.1:8053 }\n    director: { plane: proxy }\n  nyc-1',
        'admin: { listen: [::1]:8053 }\n    director: { plane: proxy }\n  nyc-1',
      ]),
    );
    assert.ok(diagnostics.length > 0);
    for (const d of diagnostics) assert.equal(d.code, 'GTM-C001');
    assert.ok(diagnostics[0].help?.includes('"[::1]:5300"'));
  });

  it('aliases and merges are followed, and faults in them found where they are written', () => {
    const shared = patched(
      ['check: { tcp: {}, interval: 2s, timeout: 500ms }', 'check: { <<: *probe, tcp: {} }'],
      ['sites:', 'sites: &s'],
      [
        'check: { http: { path: /healthz }, interval: 2s',
        'check: &probe { http: { path: /healthz }, interval: 2',
      ],
    );
    const { diagnostics } = load(shared);
    const line = BASE.split('\n').findIndex(l => l.includes('/healthz')) + 1;
    assert.deepEqual(
      diagnostics.filter(d => d.message.includes('interval')).map(d => d.line),
      [line, line],
    );
  });

  it('bombs and knots of aliases end in a fault', () => {
    const nine = (name: string) => `[${Array(9).fill(name).join(', ')}]`;
    const bomb = `a: &a ${nine('1')}\nb: &b ${nine('*a')}\nc: &c ${nine('*b')}\nd: &d ${nine('*c')}\n`;
    assert.deepEqual(
      load(bomb).diagnostics.map(d => d.code),
      ['GTM-C006'],
    );
    assert.ok(load('sites: &s { fra: *s }\n').diagnostics.length > 0);
    assert.ok(load('x: &x { <<: *x }\ncluster: { <<: *x }\n').diagnostics.length > 0);
  });

  it('texts made to hurt end in a bounded list of faults', () => {
    for (const open of ['[', '{a: ', '- ']) {
      const { diagnostics } = load(open.repeat(20_000));
      assert.ok(diagnostics.length > 0 && diagnostics.length <= 20, `${open} ${diagnostics.length}`);
    }
    const many = load(`pools:\n${Array.from({ length: 3000 }, (_, i) => `  P${i}: 1\n`).join('')}`);
    assert.equal(many.diagnostics.length, 1000);
    // An error behind a thousand warnings is still told, and still stands in the way.
    const unused = (i: number) =>
      `  v${i}:\n    site: fra\n    addresses: [10.9.${i >> 8}.${i & 255}]\n    services: [{ protocol: tcp, port: 1, real_servers: [{ address: 10.8.0.1, port: 1 }] }]\n`;
    const spare = Array.from({ length: 600 }, (_, i) => unused(i)).join('');
    const late = load(patched(['pools:', `${spare}pools:`], ['Europe/Berlin', 'Mars/Olympus']));
    assert.deepEqual(
      [late.diagnostics.length, late.diagnostics.at(-1)?.code, late.config],
      [1000, 'GTM-C049', undefined],
    );
  });

  it('with faults, the zones and the names of pools are there to check zone files against', () => {
    const { config, draft } = load(
      patched(['answers: 2', 'answers: two'], ['policy: failover', 'policy: 3']),
    );
    assert.equal(config, undefined);
    assert.deepEqual(draft, {
      zones: { 'example.com': 'example.com.zone' },
      folders: [],
      pools: ['web', 'api'],
    });
    assert.deepEqual(load(patched(['example.com.zone', '/etc/passwd'])).draft.zones, {});
  });

  it('an empty file, a list, a scalar: one fault at its start', () => {
    for (const text of ['', '# nothing\n', '- 1\n', '42\n']) {
      const [d, ...more] = load(text).diagnostics;
      assert.deepEqual([d.code, d.line, more.length], ['GTM-C004', 1, 0], text);
    }
  });

  it('a byte-order mark and CRLF change no place', () => {
    const text = patched(['lifetime: 5s', 'lifetime: 5']);
    const [plain] = load(text).diagnostics;
    const [dressed] = load(`\ufeff${text.replaceAll('\n', '\r\n')}`).diagnostics;
    assert.deepEqual(dressed, plain);
  });

  it('property: whatever value stands anywhere, every fault has a place, and nothing is thrown', () => {
    const lines = BASE.split('\n');
    const value = fc.constantFrom(
      '',
      '-1',
      'x',
      '[]',
      '{}',
      '{ a: 1 }',
      '[1, [2]]',
      '"',
      '99999999999',
      'null',
      '*a',
      '1.5',
      '&a 3',
      '? x',
      '%',
      'true',
      '"\\u0000"',
      '__proto__',
      '{ __proto__: 1, constructor: 2 }',
    );
    fc.assert(
      fc.property(fc.nat(lines.length - 2), value, fc.boolean(), (index, put, whole) => {
        const broken = [...lines];
        const colon = broken[index].lastIndexOf(':');
        broken[index] =
          whole || colon < 0
            ? `${/^\s*/.exec(broken[index])?.[0]}${put}`
            : `${broken[index].slice(0, colon)}: ${put}`;
        const { config, diagnostics } = load(broken.join('\n'));
        assert.ok(config !== undefined || diagnostics.some(d => d.severity === 'error'));
        for (const d of diagnostics) {
          assert.ok(
            d.line > 0 && d.line <= lines.length && d.col > 0 && (d.endCol ?? 0) > d.col,
            JSON.stringify(d),
          );
          assert.ok(d.code in CODES);
          assert.doesNotMatch(d.message, /undefined|\[object|Invalid input/);
        }
      }),
      { seed: 7, numRuns: 400 },
    );
  });
});

describe('secrets', () => {
  it('are expanded in coordinator.secret, coordinator.redis and dns.cookies.secrets', () => {
    const cookies = `cookies: &c { secrets: ["${variable('COOKIE')}", "${variable('OLD')}"] }`;
    const text = patched(
      ['"redis://10.0.1.1:6379"', `"redis://:${variable('REDIS_PASSWORD')}@10.0.1.1:6379"`],
      ['["192.0.2.1:53"]', `["192.0.2.1:53"], ${cookies}`],
      ['["198.51.100.1:53"]', '["198.51.100.1:53"], cookies: *c'],
    );
    const [fresh, old] = ['00112233445566778899aabbccddeeff', 'FFeeddccbbaa99887766554433221100'];
    const { config, diagnostics } = load(text, { ...ENV, COOKIE: fresh, OLD: old });
    for (const node of ['fra-1', 'nyc-1'])
      assert.deepEqual(config?.nodes[node].dns?.cookies.secrets, [fresh, old]);
    assert.deepEqual(diagnostics, []);
    assert.equal(config?.coordinator.redis[1], 'redis://:swordfish@10.0.1.1:6379');
  });

  const written = `"${variable('GTM_SECRET')}"`;
  const LEAKS: [string, string][] = [
    ['literal', patched([written, 'hunter2'])],
    [
      'literal beside an unknown key',
      patched(
        [
          `redis: ["redis://10.0.0.1:6379", "redis://10.0.1.1:6379"]\n  secret: ${written}\n  lifetime: 5s`,
          '{ secret: hunter2hunter2hunter2, lifetme: 3s }',
        ],
        ['coordinator:\n  ', 'coordinator: '],
      ),
    ],
    ['of the wrong kind', patched([written, '[hunter2]'])],
    [
      'over several lines',
      patched([written, '|\n    some\n    hunter2\n  lifetme: 4s'], ['  lifetime: 5s\n', '']),
    ],
    [
      'behind an alias',
      patched(['cluster: example', 'cluster: example\nstate_dir: &s hunter2\nstat_dir: 3'], [written, '*s']),
    ],
    ['under a key with a slip', patched([`secret: ${written}`, 'secrte: hunter2'])],
    ['in broken quotes', patched([written, '"hunter2'])],
    ['with a stray token', patched([written, '"x" hunter2"'])],
    ['multi-line in a broken text', patched([written, '"x\n    hunter2\n  lifetime: }'])],
    ['as a bad alias', patched([written, '*hunter2'])],
    ['as a bad escape', patched([written, '"\\hunter2"'])],
    ['in a URL', patched(['"redis://10.0.1.1:6379"', '"redis://:hunter2@10.0.1.1:6379"'])],
    [
      'in a URL twice',
      patched([
        '"redis://10.0.0.1:6379", "redis://10.0.1.1:6379"',
        '"redis://:hunter2@h:1", "redis://:hunter2@h:1"',
      ]),
    ],
    ['in a URL of no kind', patched(['"redis://10.0.1.1:6379"', '"http://:hunter2@10.0.1.1:6379"'])],
    ['for cookies', patched(['["192.0.2.1:53"]', '["192.0.2.1:53"], cookies: { secrets: [hunter2, 3] }'])],
    [
      'for cookies of the environment',
      patched(['["192.0.2.1:53"]', `["192.0.2.1:53"], cookies: { secrets: ["${variable('SHORT')}"] }`]),
    ],
    ['of the environment', patched([written, `"${variable('SHORT')}"`])],
    ['of the environment in a bad URL', patched(['"redis://10.0.1.1:6379"', `"${variable('SHORT')}"`])],
  ];
  for (const [title, text] of LEAKS)
    it(`never shown: ${title}`, () => {
      const { diagnostics } = load(text, { ...ENV, SHORT: 'hunter2' });
      assert.ok(diagnostics.length > 0);
      const shown = diagnostics.map(d => formatDiagnostic(d, linesOf(text))).join('\n');
      assert.doesNotMatch(shown + JSON.stringify(diagnostics), /hunter2/);
    });

  it('an excerpt is shown where no secret stands', () => {
    const text = patched([written, 'hunter2'], ['answers: 2', 'answers: two']);
    const shown = load(text)
      .diagnostics.map(d => formatDiagnostic(d, linesOf(text)))
      .join('\n');
    assert.match(shown, /\n {3}44 \| {3}web: \{ policy: weighted, answers: two/);
  });
});
