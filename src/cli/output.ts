/**
 * What commands print: results on stdout, everything else on stderr. With `--json` exactly one document
 * `{ok, data, warnings, problem}`; verbs that run on print one JSON event a line.
 */
import { snakeCased } from '../domain/spelling.ts';
import type { Problem } from './problem.ts';

export interface Output {
  readonly json: boolean;
  warn(text: string): void;
  /** Said once, changes nothing. */
  notice(text: string): void;
  /** The result: `data` for programs, `lines` for people. */
  result(data: unknown, lines: readonly string[]): void;
  /** One event of a verb that runs on. */
  event(name: string, fields: Record<string, unknown>, line: string): void;
}

export function createOutput(json: boolean): Output {
  const warnings: string[] = [];
  return {
    json,
    warn(text) {
      warnings.push(text);
      process.stderr.write(`warning: ${text}\n`);
    },
    notice(text) {
      process.stderr.write(`notice: ${text}\n`);
    },
    result(data, lines) {
      if (json) process.stdout.write(`${JSON.stringify({ ok: true, data: snakeCased(data), warnings, problem: null })}\n`);
      else for (const line of lines) process.stdout.write(`${line}\n`);
    },
    event(name, fields, line) {
      if (json) process.stdout.write(`${JSON.stringify({ event: name, ...Object(snakeCased(fields)) })}\n`);
      else process.stdout.write(`${line}\n`);
    },
  };
}

export function printProblem(problem: Problem, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, data: null, warnings: [], problem })}\n`);
  process.stderr.write(`contimg: ${problem.detail}\n  ${problem.remedy}\n`);
}

/** Columns padded to their widest cell. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
