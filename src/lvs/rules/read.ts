// ipvsadm's rules read into services: what `ipvsadm --restore` would make of them, line after line, and by name what we do not have.
//   text → lines (options.ts) → terms (terms.ts) → a table that -A, -E, -D, -a, -e, -d, -C change → services that a cluster file can say
// Invariant: with a fault no services come back; a rule is never taken for less than it says.
import type { Diagnostic } from '../../kit/diag.ts';
import { formatEndpoint } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { type OptionName, optionText, type RuleLine, readLine, type Word } from './options.ts';
import { LACKING, PLAIN, type RuleServer, type RuleService, TIMEOUTS, WRONG } from './rule.ts';
import {
  type Address,
  addressOf,
  endpointOf,
  methodOf,
  numbersOf,
  Refused,
  schedulingOf,
  timeoutsOf,
  tunnelOf,
} from './terms.ts';

export interface RulesRead {
  /** In the order of the rules; empty with a fault. */
  services: RuleService[];
  diagnostics: Diagnostic[];
}

/** More faults are not told. */
const MOST = 100;

interface Place {
  line: number;
  at: Word;
}

type Server = RuleServer & Pick<ServiceSpec, 'forward' | 'tunnel' | 'thresholds'> & Place;
type Draft = Address &
  Pick<RuleService, 'scheduler' | 'flags' | 'persistence'> &
  Place & { servers: Map<string, Server> };

const SERVICE: readonly OptionName[] = ['tcp', 'udp', 'fwmark', 'sctp', 'ipv6'];
const SCHEDULING: readonly OptionName[] = ['scheduler', 'persistent', 'netmask', 'engine', 'ops', 'flags'];
const FORWARDING: readonly OptionName[] = [
  ...(['gatewaying', 'ipip', 'masquerading', 'weight', 'upper', 'lower'] as const),
  ...(['tunType', 'tunPort', 'tunNocsum', 'tunCsum', 'tunRemcsum'] as const),
];

/** Reads a text of rules; `file` is what diagnostics call it. */
export function readRules(text: string, file: string): RulesRead {
  const table = new Table();
  const diagnostics: Diagnostic[] = [];
  const fault = ({ line, at }: Place, message: string, code: string) => {
    const endCol = at.col + Math.max(1, at.text.length);
    if (diagnostics.length < MOST)
      diagnostics.push({ file, line, col: at.col, endCol, severity: 'error', code, message });
  };
  for (const [i, written] of text.split(/\r?\n/).entries()) {
    const rule = readLine(written, i + 1);
    if (rule === undefined) continue;
    if ('message' in rule) fault(rule, rule.message, WRONG);
    else
      try {
        table.take(rule);
      } catch (e) {
        if (!(e instanceof Refused)) throw e;
        fault({ line: rule.line, at: e.at }, e.message, e.code);
      }
  }
  // What one bad line leaves behind would be told of as well.
  const services = diagnostics.length > 0 ? [] : table.services(fault);
  return { services: diagnostics.length > 0 ? [] : services, diagnostics };
}

class Table {
  readonly #services = new Map<string, Draft>();
  #timeouts: RuleService['timeouts'];

  take(rule: RuleLine): void {
    if (rule.verb === 'C') this.#services.clear();
    else if (rule.verb === 'set') this.#timeouts = timeoutsOf(rule, this.#timeouts ?? TIMEOUTS);
    else if (rule.verb === 'A' || rule.verb === 'E' || rule.verb === 'D') this.#service(rule);
    else this.#server(rule);
  }

  // A cluster file says of a service, not of a server, how packets go: so its servers must agree.
  services(fault: (place: Place, message: string, code: string) => void): RuleService[] {
    return [...this.#services.values()].flatMap(({ servers, line, at, ...draft }) => {
      const [first, ...others] = servers.values();
      if (first === undefined) {
        fault({ line, at }, `${keyOf(draft)} has no server; ours has one at least`, LACKING);
        return [];
      }
      const { forward, tunnel, thresholds } = first;
      const mine = JSON.stringify([forward, tunnel, thresholds]);
      const other = others.find(o => JSON.stringify([o.forward, o.tunnel, o.thresholds]) !== mine);
      if (other !== undefined) {
        const what = other.forward === forward ? 'another tunnel or other thresholds' : 'another method';
        const who = formatEndpoint(other.address, other.port);
        fault(
          other,
          `${who} has ${what} than the first server: here all of a service have the same`,
          LACKING,
        );
        return [];
      }
      const realServers = [first, ...others].map(({ address, port, weight }) => ({ address, port, weight }));
      const timeouts = this.#timeouts === undefined ? {} : { timeouts: this.#timeouts };
      return [{ ...draft, forward, tunnel, thresholds, realServers, ...timeouts }];
    });
  }

  #service(rule: RuleLine): void {
    const { verb, line, options } = rule;
    only(rule, verb === 'D' ? SERVICE : [...SERVICE, ...SCHEDULING]);
    const address = addressOf(rule);
    const key = keyOf(address);
    const at = options.get(address.protocol) as Word;
    const old = this.#services.get(key);
    if (verb === 'A' && old !== undefined) throw new Refused(at, `${key}: there is such a service already`);
    if (verb !== 'A' && old === undefined) throw new Refused(at, `${key}: there is no such service`);
    if (verb === 'D') this.#services.delete(key);
    else {
      const servers = old?.servers ?? new Map<string, Server>();
      this.#services.set(key, { ...address, ...schedulingOf(rule, address), servers, line, at });
    }
  }

  #server(rule: RuleLine): void {
    const { verb, line, options } = rule;
    only(rule, verb === 'd' ? [...SERVICE, 'server'] : [...SERVICE, 'server', ...FORWARDING]);
    const of = addressOf(rule);
    const service = this.#services.get(keyOf(of));
    const at = options.get('server');
    if (at === undefined) throw new Refused(rule.at, 'which server? -r ADDRESS:PORT');
    if (service === undefined)
      throw new Refused(options.get(of.protocol) as Word, `${keyOf(of)}: there is no such service`);
    const found = endpointOf(at, of.port);
    const forward = methodOf(rule);
    // As ipvsadm does it: nothing but NAT leads to another port.
    const port = forward === 'nat' || verb === 'd' ? found.port : of.port;
    const key = formatEndpoint(found.address, port);
    const known = service.servers.has(key);
    if (verb === 'a' && known) throw new Refused(at, `${key} is one of its servers already`);
    if (verb !== 'a' && !known) throw new Refused(at, `${key} is none of its servers`);
    if (verb === 'd') {
      service.servers.delete(key);
      return;
    }
    if (found.address.includes(':') !== of.address.includes(':') && forward !== 'tun')
      throw new Refused(at, `${found.address}: only tunnels lead to a server of the other family`);
    const { weight, ...thresholds } = numbersOf(rule);
    const tunnel = forward === 'tun' ? tunnelOf(rule) : PLAIN.tunnel;
    service.servers.set(key, { address: found.address, port, weight, forward, tunnel, thresholds, line, at });
  }
}

function only({ options, at }: RuleLine, allowed: readonly OptionName[]): void {
  for (const [name, word] of options)
    if (!allowed.includes(name)) throw new Refused(word, `${optionText(name)} does not go with ${at.text}`);
}

function keyOf({ protocol, address, port }: Address): string {
  return `${protocol} ${formatEndpoint(address, port)}`;
}
