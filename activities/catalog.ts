/**
 * The activities of queue `catalog`: each command of the workflows as one transaction on the product database. Every one
 * may be sent again and then changes nothing. Input is parsed before it is written; nothing here decides anything.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { insertAudit } from '../src/catalog/audit.ts';
import { groupsOfRange, statesOfGroups } from '../src/catalog/backfill-groups.ts';
import { chooseCalibration } from '../src/catalog/calibration-choice.ts';
import type { CatalogDatabase } from '../src/catalog/database.ts';
import { projectGroup } from '../src/catalog/group-projection.ts';
import { setLedgerOutcome } from '../src/catalog/ledger.ts';
import { recordBatch } from '../src/catalog/measurements.ts';
import { recordProduct } from '../src/catalog/product-record.ts';
import { sqliteCode } from '../src/catalog/statement.ts';
import { insertAttempt } from '../src/catalog/step-attempts.ts';
import { membersOf } from '../src/catalog/subband-files.ts';
import {
  type CatalogActivities,
  groupProjectionSchema,
  type JournalRow,
  productRecordSchema,
  stepAttemptSchema,
} from '../src/domain/catalog-command.ts';
import type { EsePreset } from '../src/domain/candidate.ts';
import { StepError } from '../src/domain/failure.ts';
import { type MeasurementLine, measurementLineSchema } from '../src/domain/science-result.ts';
import { camelCased } from '../src/domain/spelling.ts';
import { isoFromUnixMs } from '../src/domain/utc.ts';

export interface CatalogDependencies {
  /** Opened for writing, role `catalog`; the caller closes it. */
  database: CatalogDatabase;
  log: { debug(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** When a new calibration set makes finished groups run again. */
  calibration?: { closerByHours?: number | undefined; stripToleranceDeg: number };
  /** What makes a source a candidate; the default of the settings when absent. */
  esePreset?: EsePreset;
  /** Unix milliseconds; the system's clock unless a test passes its own. */
  now?: () => number;
}

export function createCatalogActivities({ database, log, calibration, esePreset, now = Date.now }: CatalogDependencies): CatalogActivities {
  const at = (): string => isoFromUnixMs(now());
  const command = reportingTo(log);
  const activities: CatalogActivities = {
    recordRows: (rows) => writeAll(rows, activities),
    projectGroup: command(async (raw) => {
      const projection = groupProjectionSchema.parse(raw);
      const written = projectGroup(database, projection, at());
      const { groupId, runId, revision, state } = projection;
      if (!written) log.debug({ groupId, runId, revision, state }, 'projection was there already, or a newer one');
    }),
    recordAttempt: command(async (raw) => insertAttempt(database, stepAttemptSchema.parse(raw))),
    recordProduct: command(async (raw) => ({ productId: recordProduct(database, productRecordSchema.parse(raw), at(), calibration) })),
    groupsOfRange: command(async (question) => groupsOfRange(database, question)),
    statesOfGroups: command(async (groupIds) => statesOfGroups(database, groupIds)),
    membersOf: command(async (groupId) => membersOf(database, groupId)),
    chooseCalibration: command(async (question) => chooseCalibration(database, question)),
    recordMeasurements: command(async ({ measurementsPath, ...order }) => {
      const { lines, digest } = await readMeasurements(measurementsPath);
      return recordBatch(database, { ...order, digest, lines, at: at(), esePreset });
    }),
    closeLedger: command(async (entry) => setLedgerOutcome(database, { ...entry, at: at() })),
    recordAudit: command(async (entry) => insertAudit(database, { ...entry, at: at() })),
  };
  return activities;
}

/** Throws what may succeed at another try at once, what never can when the other rows are written. */
async function writeAll(rows: readonly JournalRow[], activities: CatalogActivities): Promise<void> {
  let refused: ApplicationFailure | null = null;
  for (const row of rows) {
    try {
      await writeRow(row, activities);
    } catch (error) {
      if (!(error instanceof ApplicationFailure && error.nonRetryable === true)) throw error;
      refused ??= error;
    }
  }
  if (refused !== null) throw refused;
}

function writeRow({ kind, row }: JournalRow, activities: CatalogActivities): Promise<void> {
  switch (kind) {
    case 'projection':
      return activities.projectGroup(row);
    case 'attempt':
      return activities.recordAttempt(row);
    case 'ledger':
      return activities.closeLedger(row);
    case 'audit':
      return activities.recordAudit(row);
    default:
      return kind satisfies never;
  }
}

async function readMeasurements(path: string): Promise<{ lines: MeasurementLine[]; digest: string }> {
  const hash = createHash('sha256');
  const lines: MeasurementLine[] = [];
  for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })) {
    hash.update(`${text}\n`);
    if (text.trim() !== '') lines.push(parseLine(text, path, lines.length + 1));
  }
  return { lines, digest: hash.digest('hex') };
}

function parseLine(text: string, path: string, number: number): MeasurementLine {
  try {
    return measurementLineSchema.parse(camelCased(JSON.parse(text)));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new StepError({
      type: 'BadInput',
      code: 'BadMeasurement',
      message: `${path}, line ${number}: ${error instanceof z.ZodError ? z.prettifyError(error) : error.message}`,
      remedy: 'Resume from photometry; nothing of the file was recorded.',
      sideEffects: 'none',
    });
  }
}

/**
 * What can never succeed is told so: input that does not parse, a broken rule of the database, a StepError. All else (a busy
 * or full database) is thrown as it is, and Temporal tries again.
 */
export const reportingTo =
  (log: CatalogDependencies['log']) =>
  <Order, Answer>(command: (order: Order) => Promise<Answer>): ((order: Order) => Promise<Answer>) =>
  async (order) => {
    try {
      return await command(order);
    } catch (error) {
      log.warn({ err: error }, 'a catalog command failed');
      throw finalFailure(error) ?? error;
    }
  };

function finalFailure(error: unknown): ApplicationFailure | null {
  if (error instanceof StepError) return nonRetryable(error.message, error.failure);
  const sqlite = sqliteCode(error);
  const brokenRule = sqlite?.startsWith('SQLITE_CONSTRAINT') === true;
  if (!brokenRule && !(error instanceof z.ZodError)) return null;
  const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
  return nonRetryable(message, {
    type: 'Bug',
    code: brokenRule ? sqlite : 'BadCommand',
    message,
    remedy: 'Send the log of the catalog worker to the developers.',
    sideEffects: 'none',
    capsulePath: null,
  });
}

const nonRetryable = (message: string, failure: StepError['failure']): ApplicationFailure =>
  ApplicationFailure.create({ type: failure.type, message, nonRetryable: true, details: [failure] });
