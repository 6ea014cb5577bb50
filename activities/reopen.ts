/**
 * Takes over the Measurement Set that an earlier run published, so that a rerun starts behind the conversion: its place from
 * the product database, everything else from the manifest beside it. Reads only.
 */
import { asking } from '../src/catalog/database.ts';
import { productsOf } from '../src/catalog/products.ts';
import { StepError } from '../src/domain/failure.ts';
import { SET_GONE } from '../src/domain/rerun.ts';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import type { HostFileActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { manifestPathOf, readManifest } from './manifest.ts';
import { exists } from './publish.ts';
import type { Supervised } from './supervised.ts';

type Order = Parameters<HostFileActivities['reopen']>[0];

export const reopen =
  ({ openCatalog }: HostDependencies): Supervised<Order, Measured<Pick<StepOutputs, 'concat' | 'organize'>>> =>
  async ({ attempt }) => {
    const product = publishedSet(openCatalog, attempt.groupId);
    const manifest = product !== null && (await exists(product.path)) ? await readManifest(product.path) : null;
    if (product === null || manifest === null) throw nothingToReopen(attempt.groupId, product?.path ?? null);
    const { path, bytes, id, run_number } = product;
    return {
      output: {
        concat: { result: manifest.conversion, resources: null },
        organize: { publishedMs: path, manifestPath: manifestPathOf(path), bytes, validation: manifest.validation, productId: id },
      },
      resources: null,
      bytesRead: null,
      bytesWritten: null,
      timingsS: null,
      note: `${path} of run ${run_number} is taken over`,
    };
  };

const publishedSet = (openCatalog: HostDependencies['openCatalog'], groupId: string) =>
  asking(
    openCatalog,
    (database) => productsOf(database, groupId).find(({ kind, status }) => kind === 'ms' && status === 'current') ?? null,
  );

const nothingToReopen = (groupId: string, path: string | null): StepError =>
  new StepError({
    type: 'BadInput',
    code: SET_GONE,
    message: path === null ? `no published Measurement Set of ${groupId} is on record` : `${path} or its manifest is gone`,
    remedy: 'resume from collect: the raw files are converted again',
    sideEffects: 'none',
  });
