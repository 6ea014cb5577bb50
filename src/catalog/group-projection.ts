/**
 * Takes over what a group's workflow says of itself. Runs are ordered by number, then by first appearance (a reset run has
 * its predecessor's number), revisions within a run: whatever arrives late or twice changes nothing.
 */
import { z } from 'zod';
import type { GroupProjection } from '../domain/catalog-command.ts';
import { appendEvent } from './events.ts';
import { type GroupRow, groupById, keyColumns } from './groups.ts';
import { openLedgerRow } from './ledger.ts';
import { type CatalogDatabase, inTransaction, rowOf, runSql } from './statement.ts';

/** True when the row was changed; false when a newer revision or run was there already. */
export function projectGroup(database: CatalogDatabase, projection: GroupProjection, at: string): boolean {
  return inTransaction(database, () => {
    const before = groupById(database, projection.groupId);
    if (before !== null && !isNewer(database, projection, before)) return false;
    if (before === null) insertFounding(database, projection, at);
    writeColumns(database, projection, at);
    runSql(
      database,
      `INSERT INTO group_runs (group_id, run_id, run_number, first_seen_at) VALUES (:groupId, :runId, :runNumber, :at)
       ON CONFLICT (group_id, run_id) DO NOTHING`,
      { groupId: projection.groupId, runId: projection.runId, runNumber: projection.runNumber, at },
    );
    tell(database, projection, before, at);
    return true;
  });
}

function isNewer(database: CatalogDatabase, projection: GroupProjection, current: GroupRow): boolean {
  if (projection.runId === current.run_id) return projection.revision > current.revision;
  if (projection.runNumber !== current.run_number) return projection.runNumber > current.run_number;
  const seenBefore = rowOf(database, z.object({ id: z.int() }), 'SELECT id FROM group_runs WHERE group_id = :groupId AND run_id = :runId', {
    groupId: projection.groupId,
    runId: projection.runId,
  });
  return seenBefore === null;
}

/** Only when the database was lost and rebuilt from workflows: ingest founds every group otherwise. */
function insertFounding(database: CatalogDatabase, projection: GroupProjection, at: string): void {
  const { groupId, workflowId, runId, state, processingStage, lane, expectedSubbands, receivedAt } = projection;
  const observedAt = `${groupId}Z`;
  const key = keyColumns(projection.key);
  runSql(
    database,
    `INSERT INTO groups (group_id, workflow_id, run_id, state, processing_stage, lane, expected_subbands,
       header_t0_mjd, dec_deg, integration_s, integrations, observed_at, received_at, updated_at)
     VALUES (:groupId, :workflowId, :runId, :state, :processingStage, :lane, :expectedSubbands,
       :headerT0Mjd, :decDeg, :integrationS, :integrations, :observedAt, :receivedAt, :at)`,
    { groupId, workflowId, runId, state, processingStage, lane, expectedSubbands, receivedAt, ...key, observedAt, at },
  );
  openLedgerRow(database, { groupId, expectedAt: observedAt, decDeg: key.decDeg, at });
}

function writeColumns(database: CatalogDatabase, projection: GroupProjection, at: string): void {
  const { failure } = projection;
  runSql(
    database,
    `UPDATE groups SET run_id = :runId, run_number = :runNumber, revision = :revision, state = :state,
       processing_stage = :processingStage, step = :step, lane = :lane, host = :host, expected_subbands = :expectedSubbands,
       present_subbands = :presentSubbands, degraded_reasons = :degradedReasons, waiting_for = :waitingFor,
       failed_step = :failedStep, error_type = :errorType, error_code = :errorCode, error_message = :errorMessage,
       error_remedy = :errorRemedy, error_side_effects = :errorSideEffects, capsule_path = :capsulePath,
       has_calibrator = :hasCalibrator, completed_at = :completedAt, updated_at = :at
     WHERE group_id = :groupId`,
    {
      groupId: projection.groupId,
      runId: projection.runId,
      runNumber: projection.runNumber,
      revision: projection.revision,
      state: projection.state,
      processingStage: projection.processingStage,
      step: projection.step,
      lane: projection.lane,
      host: projection.host,
      expectedSubbands: projection.expectedSubbands,
      presentSubbands: JSON.stringify(projection.presentSubbands),
      degradedReasons: JSON.stringify(projection.degradedReasons),
      waitingFor: projection.waitingFor,
      failedStep: projection.failedStep,
      errorType: failure?.type ?? null,
      errorCode: failure?.code ?? null,
      errorMessage: failure?.message ?? null,
      errorRemedy: failure?.remedy ?? null,
      errorSideEffects: failure?.sideEffects ?? null,
      capsulePath: failure?.capsulePath ?? null,
      hasCalibrator: projection.hasCalibrator,
      completedAt: projection.completedAt,
      at,
    },
  );
}

function tell(database: CatalogDatabase, projection: GroupProjection, before: GroupRow | null, at: string): void {
  const { groupId, state, step } = projection;
  const common = {
    group_id: groupId,
    state,
    step,
    run_number: projection.runNumber,
    waiting_for: projection.waitingFor?.slice(0, 500) ?? null,
  };
  if (before?.state !== state || before.run_id !== projection.runId) {
    const payload = { ...common, state_before: before?.state ?? null, processing_stage: projection.processingStage };
    appendEvent(database, { at, topic: 'group.state', groupId, payload });
  } else {
    appendEvent(database, { at, topic: 'group.step', groupId, payload: common });
  }
}
