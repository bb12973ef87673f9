// gtm schema: the JSON Schema of the cluster file.
import { jsonSchema } from '../../model/json-schema.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';

export async function run(ctx: Context): Promise<number> {
  ctx.io.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
  return EXIT.ok;
}
