/** GET /health/live and /health/ready: may this process be sent requests? Says no more than that, to anyone. */
import { z } from 'zod';
import { eventRange } from '../catalog/events.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';

const healthSchema = z.strictObject({ status: z.enum(['ok', 'unhealthy']) });

export function healthRoutes(app: ApiServer, { database, log }: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/api/v1/health/live',
    config: { role: 'none' },
    schema: { response: { 200: healthSchema } },
    handler: async () => ({ status: 'ok' as const }),
  });

  app.route({
    method: 'GET',
    url: '/api/v1/health/ready',
    config: { role: 'none' },
    schema: { response: { 200: healthSchema, 503: healthSchema } },
    handler: async (_request, reply) => {
      try {
        eventRange(database);
        return { status: 'ok' as const };
      } catch (error) {
        log.error({ err: error }, 'not ready: the product database cannot be read');
        void reply.code(503);
        return { status: 'unhealthy' as const };
      }
    },
  });
}
