// Rules about services, their real servers and their checks.
import { formatDuration } from '../../kit/duration.ts';
import { formatEndpoint } from '../../kit/ip.ts';
import { formatPercent } from '../../kit/text.ts';
import type { Finding, Rule, View } from '../finding.ts';
import { PROBE_KINDS, portOf } from '../probe-kind.ts';
import { canonical, familyOf, faultOfAddress } from './address.ts';
import { each, type Seat } from './seat.ts';

export const SERVICE_RULES: readonly Rule[] = [
  each(realServers),
  each(weights),
  each(pacing),
  each(probe),
  each(program),
  each(prefaces),
  each(flags),
  each(hashing),
  each(thresholds),
  each(watermarks),
  namesOfRealServers,
];

function* realServers({ vip, service, path, title }: Seat): Generator<Finding> {
  const seen = new Set<string>();
  const own = new Set(vip.addresses.map(a => formatEndpoint(canonical(a), service.port)));
  for (const [i, { address, port }] of service.real_servers.entries()) {
    const fault = faultOfAddress(address);
    const key = formatEndpoint(canonical(address), port);
    const here = [...path, 'real_servers', i, 'address'];
    if (fault !== undefined) yield { code: 'GTM-C031', path: here, message: `${title}: ${fault}` };
    else if (seen.has(key))
      yield { code: 'GTM-C032', path: here, message: `${title}: real server ${key} stands twice` };
    else if (own.has(key))
      yield { code: 'GTM-C034', path: here, message: `${title}: real server ${key} is the service itself` };
    seen.add(key);
  }
}

function* weights({ service, path, title }: Seat): Generator<Finding> {
  const all = service.real_servers.map(r => r.weight);
  if (all.every(w => w === 0))
    yield {
      code: 'GTM-C033',
      path: [...path, 'real_servers'],
      at: 'key',
      message: `${title}: every weight is 0: nothing will be forwarded`,
    };
  else if (['rr', 'lc'].includes(service.scheduler) && new Set(all.filter(w => w > 0)).size > 1)
    yield {
      code: 'GTM-C03B',
      path: [...path, 'scheduler'],
      needs: [
        [...path, 'scheduler'],
        [...path, 'real_servers'],
      ],
      message: `${title}: ${service.scheduler} does not look at weights; w${service.scheduler} does`,
    };
}

function* pacing({ service, path, title }: Seat): Generator<Finding> {
  if (service.check === undefined)
    yield {
      code: 'GTM-C036',
      path,
      needs: [[...path, 'check']],
      message: `${title} has no check: its real servers count as up whatever happens`,
    };
  else if (service.check.timeout >= service.check.interval) {
    const [timeout, interval] = [service.check.timeout, service.check.interval].map(formatDuration);
    yield {
      code: 'GTM-C035',
      path: [...path, 'check', 'timeout'],
      needs: [
        [...path, 'check', 'timeout'],
        [...path, 'check', 'interval'],
      ],
      message: `${title}: time-out ${timeout} is not below the interval ${interval}: a hanging probe would delay the next`,
    };
  }
}

function* probe({ service, path, title }: Seat): Generator<Finding> {
  const { check } = service;
  if (check === undefined) return;
  const kind = (['http', 'https', 'tcp', 'tls'] as const).find(k => check[k] !== undefined);
  if (kind !== undefined && service.protocol === 'udp' && check[kind]?.port === undefined)
    yield {
      code: 'GTM-C037',
      path: [...path, 'check', kind],
      at: 'key',
      message: `${title}: the ${kind} check goes to tcp port ${service.port}, the service is udp`,
      help: 'give the check a port of its own, or use a dns or udp check',
    };
  const datagrams = (['dns', 'udp'] as const).find(k => check[k] !== undefined);
  if (datagrams !== undefined && service.protocol === 'tcp' && check[datagrams]?.port === undefined)
    yield {
      code: 'GTM-C037',
      path: [...path, 'check', datagrams],
      at: 'key',
      message: `${title}: the ${datagrams} check asks udp port ${service.port}, the service is tcp`,
      help: 'give the check a port of its own',
    };
  const range = (check.http ?? check.https)?.status.find(
    s => typeof s === 'string' && Number(s.slice(0, 3)) > Number(s.slice(4)),
  );
  if (range !== undefined) {
    const message = `${title}: no status is in ${range}`;
    yield { code: 'GTM-C037', path: [...path, 'check', check.http ? 'http' : 'https', 'status'], message };
  }
  const secure = (['https', 'tls'] as const).find(k => check[k] !== undefined);
  if (secure !== undefined && check[secure]?.verify === true && check[secure].host === undefined)
    yield {
      code: 'GTM-C037',
      severity: 'note',
      path: [...path, 'check', secure],
      at: 'key',
      message: `${title}: without host the certificate must name the real server's address`,
      help: 'host: NAME sets SNI and the name that is verified',
    };
}

function* program({ service, path, title }: Seat, { programFault }: View): Generator<Finding> {
  const command = service.check?.exec?.command;
  const fault = command === undefined ? undefined : programFault(command[0]);
  if (fault === undefined) return;
  const here = [...path, 'check', 'exec', 'command', 0];
  yield { code: 'GTM-C03D', path: here, message: `${title}: ${fault}` };
}

function* prefaces({ service, path, title }: Seat): Generator<Finding> {
  const { proxy_protocol: sent, accept_proxy_protocol: accepted, check } = service;
  if (service.protocol === 'udp') {
    if (sent === 'v1')
      yield {
        code: 'GTM-C03E',
        path: [...path, 'proxy_protocol'],
        message: `${title}: a datagram carries version 2 alone`,
        help: 'proxy_protocol: v2',
      };
    if (accepted !== undefined)
      yield {
        code: 'GTM-C03E',
        path: [...path, 'accept_proxy_protocol'],
        at: 'key',
        message: `${title}: accept_proxy_protocol is for tcp`,
      };
  }
  const bare = PROBE_KINDS.find(kind => check?.[kind] !== undefined);
  if (sent === undefined || check === undefined || portOf(check) !== undefined) return;
  if (bare === undefined || ['tcp', 'icmp', 'exec'].includes(bare)) return;
  yield {
    code: 'GTM-C037',
    path: [...path, 'check', bare],
    at: 'key',
    needs: [[...path, 'proxy_protocol']],
    message: `${title}: the ${bare} check sends no PROXY header, which the real servers expect`,
    help: 'give the check a port of its own that wants none, or use a tcp check',
  };
}

function* flags({ service, path, title }: Seat): Generator<Finding> {
  for (const [i, flag] of service.flags.entries()) {
    const scheduler = /^(sh|mh)-/.exec(flag)?.[1];
    const here = [...path, 'flags', i];
    if (scheduler !== undefined && scheduler !== service.scheduler) {
      const message = `${title}: flag ${flag} is for scheduler ${scheduler}, not ${service.scheduler}`;
      yield { code: 'GTM-C038', path: here, needs: [[...path, 'scheduler']], message };
    }
    if (flag !== 'ops') continue;
    if (service.protocol !== 'udp')
      yield { code: 'GTM-C038', path: here, message: `${title}: flag ops (one packet) is for udp` };
    if (service.persistence > 0)
      yield {
        code: 'GTM-C038',
        path: here,
        message: `${title}: flag ops schedules every packet anew, persistence ${formatDuration(service.persistence)} none`,
      };
  }
}

/** Buckets of sh; each server takes as many in a row as it has weight, until there are none left (ip_vs_sh.c). */
const SH_BUCKETS = 256;

// What surprises those who do not know the kernel's hash schedulers.
function* hashing({ service, path, title }: Seat): Generator<Finding> {
  const { scheduler, flags, check } = service;
  if (scheduler !== 'sh' && scheduler !== 'mh') return;
  const here = [...path, 'scheduler'];
  const fallback = `${scheduler}-fallback` as const;
  if (!flags.includes(fallback) && check !== undefined && service.real_servers.length > 1)
    yield {
      code: 'GTM-C03F',
      path: here,
      needs: [here, [...path, 'flags']],
      message: `${title}: while a real server is down, ${scheduler} refuses its clients`,
      help: `flags: [${fallback}] sends them to another`,
    };
  // A server of weight 0 fills a bucket all the same.
  const sizes = service.real_servers.map(r => Math.max(1, r.weight));
  const sum = sizes.reduce((a, b) => a + b, 0);
  if (scheduler === 'sh' && sum > SH_BUCKETS)
    yield {
      code: 'GTM-C03F',
      path: here,
      needs: [here, [...path, 'real_servers']],
      message: `${title}: sh has ${SH_BUCKETS} buckets and the weights come to ${sum}: the last real servers get less, or nothing`,
      help: 'take smaller weights of the same ratio, or mh',
    };
}

function* thresholds({ service, path, title }: Seat): Generator<Finding> {
  const { upper, lower } = service.thresholds;
  if (lower <= upper) return;
  const here = [...path, 'thresholds'];
  const why = upper === 0 ? 'has no effect without upper' : `is over upper ${upper}`;
  yield {
    code: 'GTM-C039',
    path: [...here, 'lower'],
    needs: [[...here, 'upper']],
    message: `${title}: lower ${lower} ${why}`,
  };
}

function* watermarks({ service, path, title }: Seat): Generator<Finding> {
  const marks = service.watermarks;
  if (marks === undefined || marks.low <= marks.high) return;
  const [low, high] = [marks.low, marks.high].map(formatPercent);
  yield {
    code: 'GTM-C039',
    path: [...path, 'watermarks', 'low'],
    needs: [[...path, 'watermarks', 'high']],
    message: `${title}: low ${low} is over high ${high}`,
  };
}

// Commands and the status call real servers by name; one host with several ports, or an address of each family, may well keep one.
function* namesOfRealServers({ config }: View): Generator<Finding> {
  const seen = new Map<string, string>();
  for (const [vip, { services }] of Object.entries(config.vips))
    for (const [s, { real_servers }] of services.entries())
      for (const [r, { name, address }] of real_servers.entries()) {
        if (name === undefined) continue;
        const key = `${name} ${familyOf(address)}`;
        const first = seen.get(key);
        if (first === undefined) seen.set(key, canonical(address));
        else if (first !== canonical(address))
          yield {
            code: 'GTM-C03C',
            path: ['vips', vip, 'services', s, 'real_servers', r, 'name'],
            message: `vips.${vip}: ${name} is ${canonical(address)} here and ${first} before`,
          };
      }
}
