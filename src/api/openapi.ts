/** GET /api/openapi.json: the document of this API, made from the same schemas that check it. */
import swagger from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiServer } from './api-server.ts';

export async function installOpenApi(app: ApiServer, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'contimg',
        version,
        description: 'Near-real-time imaging pipeline of the DSA-110: state, products, operator requests.',
      },
    },
    transform: jsonSchemaTransform,
  });
  app.route({
    method: 'GET',
    url: '/api/openapi.json',
    config: { role: 'none' },
    schema: { hide: true, response: { 200: z.looseObject({ openapi: z.string() }) } },
    handler: async () => app.swagger({ yaml: false }) as { openapi: string },
  });
}
