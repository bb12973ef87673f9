// The door to pino. One line a fact on stderr: JSON for machines, or short text for a person at a terminal.
import { type DestinationStream, type Level, pino } from 'pino';
import type { Log } from '../kit/log.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const satisfies readonly Level[];
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger on stderr. `text` writes `12:00:01 warn  fra-1  message`, `json` one object a line with ISO times. Never blocks on a pipe that is gone. */
export function makeLog(options: { level: LogLevel; format: 'json' | 'text' }): RootLog {
  const destination = options.format === 'text' ? textStream() : pino.destination({ fd: 2, sync: true });
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      // Belt and braces: no secret is handed to the log, and if one ever is, it is not written.
      redact: { paths: ['secret', '*.secret', 'password', '*.password'], censor: '***' },
    },
    destination,
  );
  return {
    of: (node: string) => root.child({ node }),
  };
}

/** The process's logger; each node logs under its own name. */
export interface RootLog {
  of(node: string): Log;
}

function textStream(): DestinationStream {
  return {
    write(line: string) {
      const { time, level, node, msg } = JSON.parse(line) as Record<string, string>;
      process.stderr.write(`${time.slice(11, 19)} ${level.padEnd(5)} ${node.padEnd(6)} ${msg}\n`);
    },
  };
}
