// The version, from package.json: the one place that has it.
import { readFileSync } from 'node:fs';

/** The project's version, such as `0.1.0`. */
export function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
