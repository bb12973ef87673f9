// The version, from package.json: the one place that has it.
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');

/** The project's version, such as `0.1.0`. */
export const VERSION = (JSON.parse(text) as { version: string }).version;
