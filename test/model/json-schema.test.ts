// The JSON Schema for editors: the file in zones/ is what the schema makes, it takes the samples, and typical slips fail
// by it. The validator here knows the keywords that the schema uses, and no others.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { jsonSchema } from '../../src/model/json-schema.ts';
import { load, type Patch, patched } from './base.ts';

const ZONES = join(import.meta.dirname, '..', '..', '..', 'zones');
const SCHEMA = jsonSchema() as Schema;

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  items?: Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
}

const KEYWORDS = new Set([
  ...[
    'type',
    'properties',
    'required',
    'additionalProperties',
    'propertyNames',
    'items',
    'anyOf',
    'enum',
    'const',
  ],
  ...['pattern', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum'],
  ...['$schema', 'title', 'description', 'default', 'examples'],
]);

/** The places at which a value does not fit. */
function faults(schema: Schema, value: unknown, at = ''): string[] {
  for (const key of Object.keys(schema)) assert.ok(KEYWORDS.has(key), `keyword ${key}`);
  if (schema.anyOf !== undefined)
    return schema.anyOf.some(s => faults(s, value, at).length === 0) ? [] : [`${at}: none of the forms`];
  const type =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'array'
        : Number.isInteger(value)
          ? 'integer'
          : typeof value;
  const types = [schema.type ?? type].flat();
  if (!types.includes(type) && !(type === 'integer' && types.includes('number'))) return [`${at}: ${type}`];
  const found: string[] = [];
  const fault = (is: boolean, what: string) => {
    if (is) found.push(`${at}: ${what}`);
  };
  fault(schema.enum?.includes(value) === false, 'enum');
  fault(schema.const !== undefined && schema.const !== value, 'const');
  if (typeof value === 'string') {
    fault(schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value), 'pattern');
    fault(value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? Infinity), 'length');
  }
  if (typeof value === 'number')
    fault(value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity), 'bounds');
  if (Array.isArray(value)) {
    fault(value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Infinity), 'items');
    const { items } = schema;
    if (items !== undefined) found.push(...value.flatMap((v, i) => faults(items, v, `${at}[${i}]`)));
  } else if (type === 'object') {
    const object = value as Record<string, unknown>;
    for (const key of schema.required ?? []) fault(!(key in object), `lacks ${key}`);
    for (const [key, v] of Object.entries(object)) {
      if (schema.propertyNames !== undefined)
        found.push(...faults(schema.propertyNames, key, `${at}.${key}`));
      const inner = schema.properties?.[key] ?? schema.additionalProperties;
      if (inner === false) found.push(`${at}: unknown ${key}`);
      else if (typeof inner === 'object') found.push(...faults(inner, v, `${at}.${key}`));
    }
  }
  return found;
}

test('zones/gtm.schema.json is what gtm schema prints (UPDATE_GOLDEN=1 writes it)', () => {
  const file = join(ZONES, 'gtm.schema.json');
  const text = `${JSON.stringify(SCHEMA, null, 2)}\n`;
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, text);
  assert.equal(readFileSync(file, 'utf8'), text);
});

for (const sample of ['gtm.yaml', 'compose.yaml'])
  test(`${sample} names the schema and fits it`, () => {
    const text = readFileSync(join(ZONES, sample), 'utf8');
    assert.match(text, /^# yaml-language-server: \$schema=gtm\.schema\.json\n/);
    assert.deepEqual(faults(SCHEMA, parse(text)), []);
  });

test('every kind of check and every form of a value fits', () => {
  const checks = [
    '{ tls: { host: a.test, min_days: 14, alpn: [h2] } }',
    '{ udp: { send_hex: "00 ff", expect: ok }, forgive: 10 }',
    '{ exec: { command: [/bin/true, -v] } }',
    '{ icmp: {}, jitter: 20% }',
    '{ https: { status: [200, 300-399] } }',
  ];
  for (const check of checks) {
    const text = patched(['{ tcp: {}, interval: 2s, timeout: 500ms }', check]);
    assert.deepEqual(faults(SCHEMA, parse(text)), [], check);
  }
  const rest = patched(
    ['all_down: all', 'all_down: { static: [192.0.2.99] }'],
    [
      'scheduler: wrr',
      'scheduler: wrr\n        accept_proxy_protocol: { from: [10.0.0.0/8] }\n        proxy_protocol: v2',
    ],
  );
  assert.deepEqual(faults(SCHEMA, parse(rest)), []);
});

const SLIPS: [string, Patch, string][] = [
  ['a key with a slip', ['scheduler: wrr', 'schedular: wrr'], '.vips.web-fra.services[0]: unknown schedular'],
  ['an unknown scheduler', ['scheduler: wrr', 'scheduler: wwr'], '.vips.web-fra.services[0].scheduler: enum'],
  ['a duration without its unit', ['lifetime: 5s', 'lifetime: 5'], '.coordinator.lifetime: integer'],
  ['a duration that is none', ['lifetime: 5s', 'lifetime: 5sec'], '.coordinator.lifetime: pattern'],
  ['a percentage without its sign', ['weight: 0%', 'weight: "0"'], '.schedules.nightly.weight: pattern'],
  [
    'a port too high',
    ['port: 80\n        scheduler: wrr', 'port: 80000\n        scheduler: wrr'],
    '.vips.web-fra.services[0].port: bounds',
  ],
  [
    'a text where a list stands',
    ['addresses: [192.0.2.10]', 'addresses: 192.0.2.10'],
    '.vips.web-fra.addresses: string',
  ],
  ['a missing key', ['policy: weighted, ', ''], '.pools.web: lacks policy'],
  ['a name in capitals', ['  fra: { region', '  Fra: { region'], '.sites.Fra: pattern'],
];
for (const [what, patch, fault] of SLIPS)
  test(`refused as gtm check refuses it: ${what}`, () => {
    const text = patched(patch);
    assert.ok(load(text).diagnostics.some(d => d.severity === 'error'));
    assert.deepEqual(faults(SCHEMA, parse(text)), [fault]);
  });
