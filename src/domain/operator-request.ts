/**
 * What an operator may ask of a group, wherever the request comes from (CLI, API, dashboard, `temporal workflow`): one
 * schema and one judgement. The judgement is pure so that an update can be refused before it enters history.
 */
import { z } from 'zod';
import type { GroupState } from './group-state.ts';
import { laneSchema } from './group-state.ts';
import { type StepName, stepIndex, stepNameSchema } from './step.ts';
import { type StepParameters, stepParameterSchemas } from './step-parameters.ts';

export const reasonSchema = z.string().trim().min(8, 'a reason has 8 to 500 characters').max(500, 'a reason has 8 to 500 characters');
const actorSchema = z.string().trim().min(1).max(100);

const resumeRequestSchema = z.strictObject({
  by: actorSchema,
  reason: reasonSchema,
  /** Default: the failed step. */
  from: stepNameSchema.optional(),
  /** Of the self-calibration in `calibrate`: what earlier rounds found is kept. */
  fromRound: z.int().min(1).optional(),
  /** Overrides of the parameters of the step it starts from. */
  parameters: z.record(z.string(), z.unknown()).optional(),
  acknowledgeDegraded: z.boolean().optional(),
});
export type ResumeRequest = z.infer<typeof resumeRequestSchema>;

export const cancelRequestSchema = z.strictObject({ by: actorSchema, reason: reasonSchema });
export type CancelRequest = z.infer<typeof cancelRequestSchema>;

export const setLaneRequestSchema = z.strictObject({ by: actorSchema, reason: reasonSchema, lane: laneSchema });
export type SetLaneRequest = z.infer<typeof setLaneRequestSchema>;

/** Error codes of interfaces: the API maps them to HTTP statuses. */
type RefusalCode = 'not_waiting' | 'invalid_step' | 'invalid_parameters' | 'invalid_request';
export type Judgement<Accepted> = { accepted: true; value: Accepted } | { accepted: false; code: RefusalCode; reason: string };

export interface ResumePlan {
  by: string;
  reason: string;
  from: StepName;
  /** The complete parameters of `from`: what it ran with, with the overrides applied. */
  parameters: object;
  acknowledgeDegraded: boolean;
  /** Null: the step is done from its beginning. */
  fromRound: number | null;
}

export function judgeResume(
  raw: unknown,
  group: {
    state: GroupState;
    failedStep: StepName | null;
    parameters: StepParameters;
    acceptedFrom: string | null;
    /** Of self-calibration; null when the set to begin with is not there. */
    roundsDone: number | null;
  },
): Judgement<ResumePlan> {
  const parsed = resumeRequestSchema.safeParse(raw);
  if (!parsed.success) return { accepted: false, code: 'invalid_request', reason: firstIssue(parsed.error) };
  const request = parsed.data;
  if (group.state !== 'needs_attention' || group.failedStep === null) {
    const who = group.acceptedFrom === null ? '' : `; ${group.acceptedFrom} resumed it already`;
    return { accepted: false, code: 'not_waiting', reason: `the group is ${group.state} and waits for nobody${who}` };
  }
  const from = request.from ?? group.failedStep;
  if (stepIndex(from) > stepIndex(group.failedStep)) {
    return { accepted: false, code: 'invalid_step', reason: `${from} comes after the failed step ${group.failedStep}` };
  }
  const { fromRound = null } = request;
  if (fromRound !== null && (from !== 'calibrate' || fromRound > (group.roundsDone ?? -1) + 1)) {
    const done = group.roundsDone === null ? 'no set is calibrated yet' : `${group.roundsDone} rounds of calibrate are done`;
    const reason = `from round ${fromRound} of ${from}: only calibrate has rounds, and ${done}`;
    return { accepted: false, code: 'invalid_step', reason };
  }
  const parameters = stepParameterSchemas[from].safeParse({ ...group.parameters[from], ...request.parameters });
  if (!parameters.success) {
    return { accepted: false, code: 'invalid_parameters', reason: `${from}: ${firstIssue(parameters.error)}` };
  }
  return {
    accepted: true,
    value: {
      by: request.by,
      reason: request.reason,
      from,
      parameters: parameters.data,
      acknowledgeDegraded: request.acknowledgeDegraded ?? false,
      fromRound,
    },
  };
}

export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'does not parse';
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}
