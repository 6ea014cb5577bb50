/**
 * `contimg group resume` and `contimg group cancel`: an operator's request to a group's workflow, answered with its new
 * state or the reason it was refused.
 */
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Command } from 'commander';
import { valueOfText } from '../config/environment.ts';
import { insideKey, nearestName, outsideKey } from '../config/keys.ts';
import { type GroupId } from '../domain/group-id.ts';
import { isOpen } from '../domain/group-state.ts';
import type { GroupStatus } from '../domain/observation-group.ts';
import { reasonSchema, type ResumeRequest } from '../domain/operator-request.ts';
import { stepParameterSchemas } from '../domain/step-parameters.ts';
import { STEP_NAMES, type StepName, stepNameSchema } from '../domain/step.ts';
import { connectClient } from '../temporal/connection.ts';
import { cancelGroup, queryGroup, resumeGroup } from '../temporal/group-client.ts';
import { EXIT } from './exit-codes.ts';
import { groupNamed, withDatabase } from './group-views.ts';
import { positiveInteger } from './instant.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, type Output } from './output.ts';
import { usageError } from './problem.ts';

const WAIT_EVERY_MS = 2_000;
const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

export function groupResumeCommand(): Command {
  const command = new Command('resume')
    .description('go on with a group that needs attention, with corrected parameters if asked')
    .argument('<id>', 'group id, or the time in a member file name')
    .requiredOption('--reason <text>', 'why, 8 to 500 characters')
    .option('--from <step>', 'an earlier step than the failed one')
    .option('--from-round <n>', 'with self-calibration, of step calibrate: keep what earlier rounds found')
    .option('--set <key=value>', 'a parameter of the step it starts from; may be repeated', collect, [])
    .option('--acknowledge-degraded', 'accept that the result is degraded', false)
    .option('--wait', 'until the group is completed or needs attention again', false)
    .addHelpText(
      'after',
      '\nExample:\n  contimg group resume 2025-10-02T00:05:18 --set niter=2000 --reason "clean diverged"\n\nExit codes: 0 accepted, 11 Temporal not reachable, 13 not found, 14 not waiting, 16 needs attention again, 64 refused',
    );
  return addLocalOptions(command).action((id: string, options) =>
    withGroup(command, id, async (client, groupId, output) => {
      const from = options['from'] === undefined ? undefined : stepNamed(String(options['from']));
      const failedStep = from ?? (await queryGroup(client, groupId)).failedStep;
      const overrides = failedStep === null ? {} : parametersOf(failedStep, options['set']);
      const request: ResumeRequest = {
        by: userInfo().username,
        reason: reasonFrom(options['reason']),
        ...(from !== undefined && { from }),
        ...(options['fromRound'] !== undefined && { fromRound: positiveInteger('--from-round', options['fromRound']) }),
        ...(Object.keys(overrides).length > 0 && { parameters: overrides }),
        ...(options['acknowledgeDegraded'] === true && { acknowledgeDegraded: true }),
      };
      const status = await resumeGroup(client, groupId, request);
      reportGroup(output, options['wait'] === true ? await untilSettled(client, groupId) : status);
    }),
  );
}

export function groupCancelCommand(): Command {
  const command = new Command('cancel')
    .description('end a group: its running step is stopped, nothing is published')
    .argument('<id>', 'group id, or the time in a member file name')
    .requiredOption('--reason <text>', 'why, 8 to 500 characters')
    .addHelpText(
      'after',
      '\nExample:\n  contimg group cancel 2025-10-02T00:05:18 --reason "test data"\n\nExit codes: 0 cancelled, 11 Temporal not reachable, 13 not found, 14 closed already',
    );
  return addLocalOptions(command).action((id: string, options) =>
    withGroup(command, id, async (client, groupId, output) => {
      reportGroup(output, await cancelGroup(client, groupId, { by: userInfo().username, reason: reasonFrom(options['reason']) }));
    }),
  );
}

export async function withGroup(
  command: Command,
  name: string,
  act: (client: Client, groupId: GroupId, output: Output) => Promise<void>,
): Promise<void> {
  const settings = localSettings(command);
  const groupId = withDatabase(settings.paths.database, (database) => groupNamed(database, name).group_id);
  const client = await connectClient(settings);
  try {
    await act(client, groupId, createOutput(wantsJson(command)));
  } finally {
    await client.connection.close();
  }
}

export function reportGroup(output: Output, status: GroupStatus): void {
  const { groupId, state, step, waitingFor, failure } = status;
  const why = failure === null ? '' : `: ${failure.code}: ${failure.message}`;
  output.result(status, [
    `${groupId} is ${state}${step === null ? '' : `, step ${step}`}${why}`,
    ...(waitingFor === null ? [] : [`waits for ${waitingFor}`]),
  ]);
  if (state === 'needs_attention') process.exitCode = EXIT.needsAttention;
}

async function untilSettled(client: Client, groupId: GroupId): Promise<GroupStatus> {
  for (;;) {
    const status = await queryGroup(client, groupId);
    if (!isOpen(status.state) || status.state === 'needs_attention') return status;
    await sleep(WAIT_EVERY_MS);
  }
}

export function reasonFrom(value: unknown): string {
  const parsed = reasonSchema.safeParse(value);
  if (!parsed.success) throw usageError('--reason takes 8 to 500 characters', 'say why, in words that help the next person');
  return parsed.data;
}

export function stepNamed(name: string): StepName {
  const parsed = stepNameSchema.safeParse(name);
  if (!parsed.success) throw usageError(`no step "${name}"`, `use one of ${STEP_NAMES.join(', ')}`);
  return parsed.data;
}

/** `mad_sigma=8` and `madSigma=8` alike. */
function parametersOf(step: StepName, assignments: unknown): Record<string, unknown> {
  if (!Array.isArray(assignments)) return {};
  const parameters: Record<string, unknown> = {};
  for (const assignment of assignments.map(String)) {
    const at = assignment.indexOf('=');
    if (at < 1) throw usageError(`--set takes KEY=VALUE, not "${assignment}"`, 'for example --set niter=2000');
    const key = knownParameter(step, assignment.slice(0, at));
    parameters[key] = valueOfText(`steps.${step}.${key}`, assignment.slice(at + 1));
  }
  return parameters;
}

function knownParameter(step: StepName, typed: string): string {
  const known = Object.keys(stepParameterSchemas[step].shape);
  const key = insideKey(typed);
  if (known.includes(key)) return key;
  const near = nearestName(key, known);
  const names = known.length === 0 ? `${step} takes none` : `${step} takes ${known.map(outsideKey).join(', ')}`;
  throw usageError(`no parameter "${typed}" of step ${step}`, near === null ? names : `did you mean ${outsideKey(near)}?`);
}
