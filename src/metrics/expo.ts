// The exposition of metrics as OpenMetrics 1.0 text.   Metric* → grouped by row of names.ts → lines → `# EOF`
// Families stand in the order of the table; the samples of one family stand together, as the format demands.
import { METRICS, type Metric, type MetricName, type MetricRow } from './names.ts';

export const CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const UNITS = ['seconds', 'bytes', 'ratio'];

/** The text of all samples, `# EOF` at its end. A row without samples is left out. */
export function expose(samples: Iterable<Metric>): string {
  const families = new Map<MetricName, string[]>();
  for (const sample of samples) {
    const lines = families.get(sample.name) ?? [];
    lines.push(`${sample.name}${labels(sample)} ${number(sample.value)}`);
    families.set(sample.name, lines);
  }
  const out: string[] = [];
  for (const name of Object.keys(METRICS) as MetricName[]) {
    const lines = families.get(name);
    if (lines === undefined) continue;
    const row: MetricRow = METRICS[name];
    const family = familyOf(name, row);
    const unit = UNITS.find(u => family.endsWith(`_${u}`));
    out.push(`# TYPE ${family} ${row.type}`);
    if (unit !== undefined) out.push(`# UNIT ${family} ${unit}`);
    out.push(`# HELP ${family} ${escapeValue(row.help)}`, ...lines);
  }
  out.push('# EOF', '');
  return out.join('\n');
}

/** The family's name: the sample's without the suffix that its type adds. */
export function familyOf(name: string, row: MetricRow): string {
  if (row.type === 'counter') return name.replace(/_total$/, '');
  return row.type === 'info' ? name.replace(/_info$/, '') : name;
}

function labels(sample: Metric): string {
  const values = sample.labels as Record<string, string>;
  const pairs = METRICS[sample.name].labels.map(l => `${l}="${escapeValue(values[l] ?? '')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
