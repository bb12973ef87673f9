// Plays steps into a kernel and writes down what came of each.
import type { DestKey, DestOptions, ServiceKey, ServiceOptions, Sysctl } from '../../src/lvs/config.ts';
import type { Kernel } from './kernel.ts';
import { type Conn, type Sent, type Side, type Step, toBytes, toText } from './story.ts';

export class Recorder {
  readonly steps: Step[] = [];
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, mtu: number) {
    this.#kernel = kernel;
    this.steps.push({ at: kernel.clock.now(), do: 'mtu', mtu });
  }

  service(verb: 'add' | 'set' | 'remove', key: ServiceKey, options?: ServiceOptions): void {
    const t = options?.timeouts;
    if (t !== undefined)
      this.#kernel.timeouts((t.tcp ?? 0) / 1000, (t.tcpFin ?? 0) / 1000, (t.udp ?? 0) / 1000);
    this.#kernel.service(verb, key, options);
    const done = { at: this.#kernel.clock.now(), do: 'service' as const, verb, key };
    this.steps.push(options === undefined ? done : { ...done, options });
  }

  dest(verb: 'add' | 'set' | 'remove', key: ServiceKey, dest: DestKey, options?: DestOptions): void {
    this.#kernel.dest(verb, key, dest, options);
    const done = { at: this.#kernel.clock.now(), do: 'dest' as const, verb, key, dest };
    this.steps.push(options === undefined ? done : { ...done, options });
  }

  sysctl(values: Partial<Sysctl>): void {
    this.#kernel.sysctl(values);
    this.steps.push({ at: this.#kernel.clock.now(), do: 'sysctl', values });
  }

  /** FullNAT: the kernel's NAT gets its second half. */
  masquerade(addresses: readonly string[]): void {
    this.#kernel.masquerade(addresses);
    this.steps.push({ at: this.#kernel.clock.now(), do: 'masquerade', addresses });
  }

  frame(side: Side, what: string, packet: Uint8Array, cell?: string): Sent[] {
    const sent = this.#kernel.frame(side, packet);
    const done = {
      at: this.#kernel.clock.now(),
      do: 'frame' as const,
      side,
      what,
      packet: toText(packet),
      sent,
    };
    this.steps.push(cell === undefined ? done : { ...done, cell });
    return sent;
  }

  advance(seconds: number): void {
    this.#kernel.clock.advance(seconds);
    this.steps.push({ at: this.#kernel.clock.now(), do: 'advance', ms: seconds * 1000 });
  }

  look(): Conn[] {
    const seen = this.#kernel.look();
    this.steps.push({ at: this.#kernel.clock.now(), do: 'look', ...seen });
    return seen.conns;
  }

  /** Connections now, without a note in the story. */
  peek(): Conn[] {
    return this.#kernel.look().conns;
  }

  sleep(ms: number): void {
    this.#kernel.clock.sleep(ms);
  }

  /** One step of a story that was recorded before. */
  replay(step: Step): void {
    if (step.do === 'service') this.service(step.verb, step.key, step.options);
    else if (step.do === 'dest') this.dest(step.verb, step.key, step.dest, step.options);
    else if (step.do === 'sysctl') this.sysctl(step.values);
    else if (step.do === 'masquerade') this.masquerade(step.addresses);
    else if (step.do === 'frame') this.frame(step.side, step.what, toBytes(step.packet), step.cell);
    else if (step.do === 'advance') this.advance(step.ms / 1000);
    else if (step.do === 'look') this.look();
  }
}
