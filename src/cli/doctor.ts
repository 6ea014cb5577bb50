/**
 * `contimg doctor`: every thing the pipeline leans on, one line each: ok, warn or fail, the fact, and what to do. Changes
 * nothing.
 */
import { Command } from 'commander';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { type Finding, examine } from './doctor-checks.ts';
import { EXIT } from './exit-codes.ts';
import { createOutput } from './output.ts';

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('what is there, what is missing, what to do')
    .addHelpText('after', '\nExample:\n  contimg doctor --json\n\nExit codes: 0 nothing fails, 5 something does');
  return addLocalOptions(command).action(async () => {
    const output = createOutput(wantsJson(command));
    const findings = await examine(localSettings(command));
    output.result({ findings }, findings.flatMap(linesOf));
    process.exitCode = findings.some(({ verdict }) => verdict === 'fail') ? EXIT.validation : EXIT.done;
  });
}

const linesOf = ({ verdict, name, fact, remedy }: Finding): string[] => [
  `${verdict.padEnd(4)} ${name.padEnd(18)} ${fact}`,
  ...(verdict === 'ok' || remedy === null ? [] : [`${' '.repeat(24)}${remedy}`]),
];
