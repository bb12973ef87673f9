// The cluster file's schema as JSON Schema (draft 2020-12), for editors: what is written, before defaults are filled in.
// Rules over several keys are not in it; `gtm check` has them all.
import { z } from 'zod';
import { schema } from './schema.ts';

/** Forms that zod checks in code and an editor should know, too; by the `unit` of fields.ts. */
const FORMS: Record<string, object> = {
  duration: { pattern: '^(0|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$', examples: ['500ms', '10s', '1h30m'] },
  percent: { pattern: '^\\d+(\\.\\d+)?\\s*%$', examples: ['50%'] },
};

/** The JSON Schema, ready for JSON.stringify. */
export function jsonSchema(): object {
  const made = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema: found }) => {
      const own = found as { unit?: string; format?: string };
      const { unit } = own;
      // Words of our own and of zod's, which no editor knows; a pattern stands beside the latter.
      delete own.unit;
      delete own.format;
      if (unit !== undefined) Object.assign(found, FORMS[unit]);
    },
  });
  return {
    $schema: made.$schema,
    title: 'The cluster file of Switchyard',
    description:
      'zones/gtm.yaml: sites, nodes, VIPs, pools, zones. `gtm check` checks more than this schema can say.',
    ...made,
  };
}
