// The kinds of fields that are more than a number, an address, a name or a string: one file a family.
import { apl } from './apl.ts';
import { date } from './date.ts';
import { gateway, hip, names, relay } from './endpoint.ts';
import type { Kind } from './kind.ts';
import { eui48, eui64, ilnp, nsap, subaddress } from './link.ts';
import { loc } from './loc.ts';
import { hash32, salt } from './nsec3.ts';
import { service } from './service.ts';
import { oldTypes, types } from './types.ts';
import { ports } from './wks.ts';

export const KINDS = {
  date,
  types,
  oldTypes,
  salt,
  hash32,
  loc,
  service,
  apl,
  eui48,
  eui64,
  ilnp,
  nsap,
  subaddress,
  gateway,
  relay,
  hip,
  names,
  ports,
} as const satisfies Record<string, Kind>;
