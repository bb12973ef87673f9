// The codes of faults in the cluster file, each once. GTM-C00x: how it is written; C01x: names that point nowhere;
// C02x: pools; C03x: VIPs, services and checks; C04x: nodes, coordinator, zones, schedules.
import type { Severity } from '../kit/diag.ts';

export const CODES = {
  'GTM-C001': ['error', 'the text is not YAML'],
  'GTM-C002': ['error', 'a key stands twice in one mapping (so also two sites of one name)'],
  'GTM-C003': ['error', 'an unknown key'],
  'GTM-C004': ['error', 'a value of the wrong kind or out of its bounds'],
  'GTM-C005': ['error', 'a key that must be there is missing'],
  'GTM-C006': ['error', 'the file is too large, or its aliases expand to too much'],
  'GTM-C007': ['error', `\${env:NAME}: the variable is not set`],
  'GTM-C008': ['error', `\${…} where it is not expanded, or not of the form \${env:NAME}`],
  'GTM-C009': ['warning', 'a secret written in plain in the file'],
  'GTM-C00A': ['error', 'the file cannot be read'],

  'GTM-C010': ['error', 'a site that does not exist'],
  'GTM-C011': ['error', 'a director that does not exist'],
  'GTM-C012': ['error', 'a node named as a director that is none'],
  'GTM-C013': ['warning', 'a VIP that no node forwards'],
  'GTM-C014': ['warning', 'a director that stands in another site than its VIP'],
  'GTM-C015': ['error', 'a VIP that does not exist'],
  'GTM-C016': ['warning', 'a VIP that no pool uses'],
  'GTM-C017': ['warning', 'a site without a node'],

  'GTM-C020': ['error', 'all weights of a pool are 0'],
  'GTM-C021': ['warning', 'a TTL that is longer than the time to detect a failure'],
  'GTM-C022': ['error', 'min_ttl above ttl'],
  'GTM-C023': ['error', 'a VIP twice in one pool'],
  'GTM-C024': ['note', 'a pool with one member'],
  'GTM-C025': ['note', 'more answers than there are addresses'],
  'GTM-C026': ['warning', 'all_down.static lacks an address family that the members have'],
  'GTM-C027': ['note', 'a setting that the policy does not use'],

  'GTM-C030': ['error', 'two services on one address, protocol and port'],
  'GTM-C031': ['error', 'an address that cannot be used there'],
  'GTM-C032': ['error', 'a real server twice in one service'],
  'GTM-C033': ['warning', 'all weights of a service are 0'],
  'GTM-C034': ['error', 'a real server that is the service itself'],
  'GTM-C035': ['error', 'probe time-out not below the interval'],
  'GTM-C036': ['warning', 'a service without a check'],
  'GTM-C037': ['warning', 'a check that cannot reach the service'],
  'GTM-C038': ['error', 'a flag that does not fit the service'],
  'GTM-C039': ['error', 'thresholds the wrong way round'],
  'GTM-C03A': ['note', 'a setting that the plane does not use'],
  'GTM-C03B': ['note', 'weights that the scheduler does not use'],
  'GTM-C03C': ['warning', 'one name for several real servers'],
  'GTM-C03D': ['error', 'the program of a check that cannot be run'],

  'GTM-C040': ['error', 'two sockets of one node on one address and port'],
  'GTM-C041': ['note', 'nodes that can not run on one host'],
  'GTM-C042': ['warning', 'no node answers DNS'],
  'GTM-C043': ['note', 'the admin API beyond loopback'],
  'GTM-C044': ['error', 'a Redis URL that is not understood, or given twice'],
  'GTM-C045': ['error', 'Redis without a secret, or with one that is too short'],
  'GTM-C046': ['warning', 'a lifetime of a few heartbeats'],
  'GTM-C047': ['error', 'a zone twice, or a zone file outside the folder'],
  'GTM-C048': ['note', 'one file for several zones'],
  'GTM-C04A': ['error', 'a zone name that is none, or a zone file that cannot be read'],
  'GTM-C04B': ['error', 'a cookie secret that is none'],
  'GTM-C049': ['error', 'a cron expression or a time zone that is not understood'],
} as const satisfies Record<string, readonly [Severity, string]>;

export type Code = keyof typeof CODES;
