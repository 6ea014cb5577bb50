/** GET /sources, one source, and its light curve: what was measured of each monitored source. */
import { z } from 'zod';
import { lightCurveOf, type LightCurveRow } from '../catalog/light-curve.ts';
import { listSources, monitoredSource, type MonitoredSource } from '../catalog/source-variability.ts';
import { lightCurveCsv, lightCurveVotable } from '../domain/light-curve-file.ts';
import { isoFromUnixMs, mjdToUnixMs } from '../domain/utc.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { listQuerySchema } from './contract/listing.ts';
import { lightCurveSchema, sourceListSchema, sourceSchema } from './contract/source.ts';
import { decodeNumberCursor, encodeCursor } from './cursor.ts';
import { ApiProblem } from './problem.ts';
import { mjdOfRequest } from './request-time.ts';

const sourcesQuerySchema = listQuerySchema.extend({
  name: z.string().max(100).optional().describe('part of a name'),
  variable: z.stringbool().default(false).describe('only sources that vary'),
  sort: z.enum(['name', 'eta', 'flux']).default('name'),
});
const sourceParamsSchema = z.strictObject({ id: z.coerce.number().int().positive() });
const lightCurveQuerySchema = z.strictObject({
  start: z.string().max(40).optional(),
  end: z.string().max(40).optional(),
  include_superseded: z.stringbool().default(false),
  format: z.enum(['json', 'csv', 'votable']).default('json').describe('csv and votable hold all points in time order, limits marked'),
});

export function sourceRoutes(app: ApiServer, { database }: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/api/v1/sources',
    config: { role: 'viewer' },
    schema: { querystring: sourcesQuerySchema, response: { 200: sourceListSchema } },
    handler: async ({ query }) => {
      const offset = decodeNumberCursor(query.cursor) ?? 0;
      const { sources, total } = listSources(database, {
        by: query.sort,
        name: query.name,
        variableOnly: query.variable,
        limit: query.limit,
        offset,
      });
      const end = offset + sources.length;
      return { items: sources.map(sourceOf), next_cursor: end < total ? encodeCursor(end) : null, total };
    },
  });

  const requireSource = (id: number) => {
    const source = monitoredSource(database, id);
    if (source === null) throw new ApiProblem('unknown_source', `there is no source ${id}`);
    return sourceOf(source);
  };

  app.route({
    method: 'GET',
    url: '/api/v1/sources/:id',
    config: { role: 'viewer' },
    schema: { params: sourceParamsSchema, response: { 200: sourceSchema } },
    handler: async ({ params }) => requireSource(params.id),
  });

  app.route({
    method: 'GET',
    url: '/api/v1/sources/:id/lightcurve',
    config: { role: 'viewer' },
    // A file goes out as text; only JSON is held against the first schema.
    schema: { params: sourceParamsSchema, querystring: lightCurveQuerySchema, response: { 200: z.union([lightCurveSchema, z.string()]) } },
    handler: async ({ params, query }, reply) => {
      const source = requireSource(params.id);
      const points = lightCurveOf(database, params.id, {
        includeSuperseded: query.include_superseded,
        startMjd: mjdOfRequest('start', query.start),
        endMjd: mjdOfRequest('end', query.end),
      });
      switch (query.format) {
        case 'csv':
          return reply.type('text/csv; charset=utf-8').send(lightCurveCsv(points));
        case 'votable':
          return reply.type('application/x-votable+xml').send(lightCurveVotable({ ...source, id: source.source_id }, points));
        case 'json':
          return {
            source,
            points: points.filter((point) => !point.upper_limit).map(pointOf),
            upper_limits: points.filter((point) => point.upper_limit).map(pointOf),
          };
        default:
          return query.format satisfies never;
      }
    },
  });
}

const sourceOf = (source: MonitoredSource): z.infer<typeof sourceSchema> => ({
  source_id: source.id,
  name: source.name,
  ra_deg: source.ra_deg,
  dec_deg: source.dec_deg,
  catalogue_flux_jy: source.flux_jy,
  n_points: source.n ?? 0,
  mean_flux_jy: source.mean_flux_jy,
  first_mjd: source.first_mjd,
  last_mjd: source.last_mjd,
  eta: source.eta,
  v: source.v,
  leave_one_out_sigma: source.leave_one_out_sigma,
  two_epoch_vs: source.two_epoch_vs,
  two_epoch_m: source.two_epoch_m,
  ese_score: source.ese_score,
  ese_shape: source.ese_shape,
  is_variable: source.is_variable ?? false,
  standing: source.standing,
});

const pointOf = (point: LightCurveRow) => ({
  measurement_id: point.id,
  at: isoFromUnixMs(mjdToUnixMs(point.mjd)),
  mjd: point.mjd,
  flux_jy: point.flux_jy,
  error_jy: point.error_jy,
  normalised_flux_jy: point.normalised_flux_jy,
  normalised_error_jy: point.normalised_error_jy,
  rms_jy: point.local_rms_jy,
  snr: point.snr,
  kind: point.kind,
  flags: point.flags,
  image_id: point.image_product_id,
  degraded: point.degraded,
  superseded: point.superseded,
});
