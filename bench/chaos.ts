/**
 * `node bench/chaos.ts --groups 2000 --seed 1`: a night of groups with random faults while parts of the pipeline are killed
 * at random moments. Prints its progress, then what was not as it must be. Exit code 0 only if nothing was. `--minutes N`
 * sends no more groups after N minutes and audits those sent; `--kill-every-s never` measures the pipeline undisturbed; `--converts`
 * ends groups with their Measurement Set.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runNight } from '../test/chaos/night.ts';

const { values } = parseArgs({
  options: {
    groups: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    'in-flight': { type: 'string', default: '120' },
    'deadline-s': { type: 'string', default: '30' },
    'kill-every-s': { type: 'string', default: '15-45' },
    minutes: { type: 'string', default: 'Infinity' },
    converts: { type: 'boolean', default: false },
  },
});
const [from, to] = values['kill-every-s'].split('-').map(Number);
const report = await runNight({
  groups: Number(values.groups),
  seed: Number(values.seed),
  inFlight: Number(values['in-flight']),
  deadlineS: Number(values['deadline-s']),
  killEveryS: values['kill-every-s'] === 'never' || from === undefined || to === undefined ? null : { from, to },
  sendForS: 60 * Number(values.minutes),
  slots: 2 * availableParallelism(),
  converts: values.converts,
  say: (line) => console.log(line),
});
const { findings, ...figures } = report;
console.log(JSON.stringify(figures));
for (const finding of findings.slice(0, 50)) console.log(`WRONG: ${finding}`);
const groups = Object.values(report.outcomes).reduce((sum, count) => sum + count, 0);
console.log(
  `${groups} groups in ${report.elapsedS.toFixed(0)} s (${((60 * groups) / report.elapsedS).toFixed(0)} a minute); ${findings.length} findings`,
);
process.exitCode = findings.length === 0 ? 0 : 1;
