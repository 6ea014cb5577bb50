/**
 * What people and programs ask of a group's workflow: status, resume, cancel. Refusals and outages come back as one error
 * with a code of the interface, so that command line and API say the same.
 */
import {
  type Client,
  ServiceError,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type GroupId, workflowIdOfGroup } from '../domain/group-id.ts';
import { GROUP_QUERIES, GROUP_UPDATES, type GroupStatus, groupStatusSchema } from '../domain/observation-group.ts';
import type { CancelRequest, ResumeRequest, SetLaneRequest } from '../domain/operator-request.ts';
import { GRPC, grpcStatusOf } from './grpc-status.ts';
import { moveQueuedSteps } from './queued-steps.ts';
import { GROUP_REQUEST_CODES, type GroupRequestCode, GroupRequestError } from './temporal-errors.ts';

/** With no worker polling, an update or query would wait for ever. */
const NO_WORKER_AFTER_MS = 10_000;

const groupHandle = (client: Client, groupId: GroupId): WorkflowHandle => client.workflow.getHandle(workflowIdOfGroup(groupId));

export const queryGroup = (client: Client, groupId: GroupId): Promise<GroupStatus> =>
  asked(client, groupId, () => groupHandle(client, groupId).query(GROUP_QUERIES.status));

export const resumeGroup = (client: Client, groupId: GroupId, request: ResumeRequest): Promise<GroupStatus> =>
  updated(client, groupId, GROUP_UPDATES.resume, request);

/** Answers when the group is closed: a running step has ended by then. */
export const cancelGroup = (client: Client, groupId: GroupId, request: CancelRequest): Promise<GroupStatus> =>
  updated(client, groupId, GROUP_UPDATES.cancel, request);

export const setLane = (client: Client, groupId: GroupId, request: SetLaneRequest): Promise<GroupStatus> =>
  asked(client, groupId, async () => {
    const status = await updated(client, groupId, GROUP_UPDATES.setLane, request);
    await moveQueuedSteps(client, groupId, request.lane);
    return status;
  });

const updated = (client: Client, groupId: GroupId, update: string, request: object): Promise<GroupStatus> =>
  asked(client, groupId, async () => {
    // Two stages: an update that no worker takes up fails soon, one that is accepted may take its time.
    const handle = await client.withDeadline(Date.now() + NO_WORKER_AFTER_MS, () =>
      groupHandle(client, groupId).startUpdate(update, { args: [request], waitForStage: 'ACCEPTED' }),
    );
    return handle.result();
  });

async function asked(client: Client, groupId: GroupId, ask: () => Promise<unknown>): Promise<GroupStatus> {
  try {
    return groupStatusSchema.parse(await ask());
  } catch (error) {
    throw mapped(error, groupId);
  }
}

const isRequestCode = (type: string): type is GroupRequestCode => GROUP_REQUEST_CODES.some((code) => code === type);

function mapped(error: unknown, groupId: GroupId): unknown {
  if (error instanceof WorkflowNotFoundError) return notOpen(error, groupId);
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    return new GroupRequestError('worker_unavailable', 'no worker took the request within 10 s', error);
  }
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    if (cause instanceof ApplicationFailure && typeof cause.type === 'string' && isRequestCode(cause.type)) {
      return new GroupRequestError(cause.type, cause.message, error);
    }
  }
  if (error instanceof ServiceError) return serviceProblem(error, groupId);
  return error;
}

function serviceProblem(error: ServiceError, groupId: GroupId): unknown {
  const status = grpcStatusOf(error.cause);
  if (status === GRPC.deadlineExceeded) return new GroupRequestError('worker_unavailable', 'no worker took the request within 10 s', error);
  if (status === GRPC.notFound) return notOpen(error, groupId);
  // Temporal takes no update while a decision of the workflow was lost with its worker several times in a row.
  if (status === GRPC.failedPrecondition)
    return new GroupRequestError('worker_unavailable', 'the worker that decides for the group was lost; ask again', error);
  if (status === GRPC.unavailable) return new GroupRequestError('temporal_unreachable', 'Temporal does not answer', error);
  return error;
}

/** The server answers the same status for a workflow that has closed and for one that never was; only its words differ. */
function notOpen(error: Error, groupId: GroupId): GroupRequestError {
  const said = error.cause instanceof Error ? `${error.message} ${error.cause.message}` : error.message;
  return /already completed/i.test(said)
    ? new GroupRequestError('already_completed', `group ${groupId} is closed; only an open group takes requests`, error)
    : new GroupRequestError('unknown_group', `no workflow runs for group ${groupId}`, error);
}
