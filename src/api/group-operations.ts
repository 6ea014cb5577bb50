/**
 * What the API asks of group workflows. Implemented over Temporal (src/temporal/group-client.ts); a refusal or an outage is
 * an error with a `code` of problem.ts and, where there is one, a `remedy`.
 */
import type { GroupId } from '../domain/group-id.ts';
import type { GroupStatus } from '../domain/observation-group.ts';
import type { CancelRequest, ResumeRequest } from '../domain/operator-request.ts';
import { ApiProblem, isProblemCode, type ProblemCode } from './problem.ts';

export interface GroupOperations {
  resume(groupId: GroupId, request: ResumeRequest): Promise<GroupStatus>;
  cancel(groupId: GroupId, request: CancelRequest): Promise<GroupStatus>;
}

/**
 * Passes an answer on, and a known refusal in the API's error shape. The group is known to the product database, so one
 * whose workflow is not found has closed long ago: `ifClosed` says what being closed means for the request.
 */
export async function answeredByWorkflow(answer: Promise<GroupStatus>, ifClosed: ProblemCode): Promise<GroupStatus> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && isProblemCode(error.code))) throw error;
    if (['unknown_group', 'already_completed'].includes(error.code))
      throw new ApiProblem(ifClosed, 'the group is closed: no workflow of it runs');
    const remedy = 'remedy' in error && typeof error.remedy === 'string' ? { remedy: error.remedy } : {};
    throw new ApiProblem(error.code, error.message, remedy);
  }
}
