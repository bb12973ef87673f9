// The policies of pools, by name: their order is the number under which a pool table holds them (steer/table.ts).
// Apart from the schema, so that who answers need not load what checks the cluster file.

export const POLICIES = ['weighted', 'failover'] as const;
