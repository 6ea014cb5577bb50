/**
 * Who converts: the pipeline that serves this database, or this process. A pipeline counts only when its worker polls and it
 * writes to this very database and output, or its products would appear elsewhere.
 */
import { listStorageLocations } from '../catalog/storage-locations.ts';
import { isWriterHeld } from '../catalog/writer-lock.ts';
import type { Settings } from '../config/settings.ts';
import { stepIndex, type StepName } from '../domain/step.ts';
import { connectOperator, temporalAddressOf } from '../temporal/connection.ts';
import { TemporalUnreachable } from '../temporal/temporal-errors.ts';
import { isServed } from '../temporal/start-group.ts';
import { EXIT } from './exit-codes.ts';
import { withDatabase } from './group-views.ts';
import { CommandError, usageError } from './problem.ts';

export const ENGINES = ['auto', 'temporal', 'local'] as const;

export interface EngineChoice {
  name: 'temporal' | 'local';
  because: string;
}

/** A server on this machine answers in milliseconds. */
const PATIENCE_MS = 1_500;

export async function chooseEngine(settings: Settings, asked: string, last: StepName): Promise<EngineChoice> {
  const needsPipeline = stepIndex(last) > stepIndex('organize');
  if (asked === 'local') {
    if (needsPipeline) throw usageError(`the local engine ends with organize, not ${last}`, 'start `contimg up` and use --engine temporal');
    return { name: 'local', because: 'as asked; the steps run in this process' };
  }
  const obstacle = await obstacleTo(settings);
  if (obstacle === null) return { name: 'temporal', because: `the pipeline on ${temporalAddressOf(settings)} serves this database` };
  if (asked === 'temporal' || needsPipeline) throw obstacle;
  return { name: 'local', because: `${obstacle.problem.detail}; the steps run in this process` };
}

/** What keeps the pipeline from doing the work; null: nothing. */
async function obstacleTo(settings: Settings): Promise<CommandError | null> {
  const address = temporalAddressOf(settings);
  try {
    const connection = await connectOperator(settings, PATIENCE_MS);
    try {
      if (!(await isServed(connection, settings.temporal.namespace))) {
        return unreachable(`Temporal answers on ${address}, but no worker polls its namespace ${settings.temporal.namespace}`);
      }
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (error instanceof TemporalUnreachable) return unreachable(error.message);
    throw error;
  }
  const { database, output } = settings.paths;
  if (!isWriterHeld(database, 'catalog')) return elsewhere(`the pipeline on ${address} writes another database than ${database}`);
  const published = outputOf(database);
  return published === output ? null : elsewhere(`the pipeline publishes below ${published ?? 'nothing yet'}, not below ${output}`);
}

const outputOf = (path: string): string | null =>
  withDatabase(path, (database) => listStorageLocations(database).find(({ name }) => name === 'output')?.root ?? null);

const unreachable = (detail: string): CommandError =>
  new CommandError(EXIT.temporalUnreachable, {
    code: 'temporal_unreachable',
    detail,
    remedy: 'start `contimg up`, name a running server with --temporal-address, or use --engine local',
  });

const elsewhere = (detail: string): CommandError =>
  new CommandError(EXIT.conflict, {
    code: 'other_pipeline',
    detail,
    remedy: 'name its database with --state-dir and its output directory, or use --engine local',
  });
