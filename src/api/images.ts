/** GET /imaging/images, one image, and its picture. Images are addressed by product id; every version has one. */
import { z } from 'zod';
import { imageById, imageFiles, type ImageFilter, type ImageListing, listImages } from '../catalog/images.ts';
import { type CatalogDatabase, rowOf } from '../catalog/statement.ts';
import { listStorageLocations } from '../catalog/storage-locations.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { openConfined } from './confined-file.ts';
import { type ImageRow, imageListSchema, imageSchema } from './contract/image.ts';
import { listQuerySchema } from './contract/listing.ts';
import { decodeNumberCursor, encodeCursor } from './cursor.ts';
import { answerWithTag } from './entity-tags.ts';
import { canonicalGroupId } from './groups.ts';
import { ApiProblem } from './problem.ts';
import { mjdOfRequest } from './request-time.ts';

const imagesQuerySchema = listQuerySchema.extend({
  group_id: z.string().max(100).optional(),
  start: z.string().max(40).optional(),
  end: z.string().max(40).optional(),
  include_superseded: z.stringbool().default(false),
  qa: z.enum(['pass', 'warn', 'fail']).optional(),
});
const imageParamsSchema = z.strictObject({ id: z.coerce.number().int().positive() });

export function imageRoutes(app: ApiServer, dependencies: ApiDependencies): void {
  const { database, settings } = dependencies;
  app.route({
    method: 'GET',
    url: '/api/v1/imaging/images',
    config: { role: 'viewer' },
    schema: { querystring: imagesQuerySchema, response: { 200: imageListSchema } },
    handler: async ({ query }) => {
      const filter: ImageFilter = {
        start: mjdOfRequest('start', query.start),
        end: mjdOfRequest('end', query.end),
        groupId: query.group_id === undefined ? undefined : canonicalGroupId(dependencies, query.group_id),
        verdict: query.qa,
        includeSuperseded: query.include_superseded,
        beforeId: decodeNumberCursor(query.cursor),
        limit: query.limit + 1,
      };
      const found = listImages(database, filter);
      const page = found.slice(0, query.limit);
      const last = page.at(-1);
      return {
        items: page.map(imageOf),
        next_cursor: found.length > page.length && last !== undefined ? encodeCursor(last.product_id) : null,
        total: countImages(database, filter),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/imaging/images/:id',
    config: { role: 'viewer' },
    schema: { params: imageParamsSchema, response: { 200: imageSchema } },
    handler: async ({ params }) => imageOf(requireImage(database, params.id)),
  });

  app.route({
    method: 'GET',
    url: '/api/v1/imaging/images/:id/png',
    config: { role: 'viewer' },
    schema: { params: imageParamsSchema, description: 'image/png' },
    handler: async (request, reply) => {
      const image = requireImage(database, request.params.id);
      if (image.status === 'deleted') throw new ApiProblem('product_deleted', `image ${image.product_id} was deleted`);
      const path = imageFiles(database, image.product_id).png;
      if (path === undefined) throw new ApiProblem('unknown_product', `image ${image.product_id} has no picture`);
      const roots = listStorageLocations(database).flatMap(({ root }) => (root === '' ? [] : [root]));
      const file = await openConfined(path, [...roots, settings.paths.output]);
      if (answerWithTag(request, reply, file.tag)) {
        await file.handle.close();
        return reply.send();
      }
      return reply.type('image/png').header('content-length', file.bytes).send(file.handle.createReadStream());
    },
  });
}

export function newestImage(database: CatalogDatabase): ImageRow | null {
  const [newest] = listImages(database, { limit: 1 });
  return newest === undefined ? null : imageOf(newest);
}

function requireImage(database: CatalogDatabase, id: number): ImageListing {
  const image = imageById(database, id);
  if (image === null) throw new ApiProblem('unknown_product', `there is no image ${id}`);
  return image;
}

function imageOf(image: ImageListing): ImageRow {
  const { product_id, tier: _tier, calibration_how: _how, qa_checks: _checks, ...shown } = image;
  return { ...shown, image_id: product_id, png_url: `/api/v1/imaging/images/${product_id}/png` };
}

/** Of the whole filter, whatever page is asked for. */
const countImages = (database: CatalogDatabase, filter: ImageFilter): number =>
  rowOf(
    database,
    z.object({ n: z.int() }),
    `SELECT COUNT(*) AS n FROM images i JOIN products p ON p.id = i.product_id
     WHERE (:start IS NULL OR i.mid_mjd >= :start) AND (:end IS NULL OR i.mid_mjd < :end)
       AND (:groupId IS NULL OR i.group_id = :groupId) AND (:verdict IS NULL OR i.qa_verdict = :verdict)
       AND (:all = 1 OR p.status IN ('current', 'stale'))`,
    {
      start: filter.start ?? null,
      end: filter.end ?? null,
      groupId: filter.groupId ?? null,
      verdict: filter.verdict ?? null,
      all: filter.includeSuperseded === true ? 1 : 0,
    },
  )?.n ?? 0;
