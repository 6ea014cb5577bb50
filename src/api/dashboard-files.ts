/**
 * The dashboard's built files at `/`. Any other address outside /api that a browser asks for as a page gets index.html,
 * because the page itself knows its addresses.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ApiServer } from './api-server.ts';
import { ApiProblem } from './problem.ts';

export function dashboardFiles(app: ApiServer, folder: string): void {
  app.route({
    method: 'GET',
    url: '/assets/*',
    config: { role: 'none' },
    schema: { hide: true, params: z.object({ '*': z.string() }) },
    // Vite puts a content hash into each name below assets/, so a name never changes its content.
    handler: async (request, reply) => reply.sendFile(`assets/${request.params['*']}`, { immutable: true, maxAge: '365d' }),
  });
  app.route({
    method: 'GET',
    url: '/*',
    config: { role: 'none' },
    schema: { hide: true },
    handler: async (request, reply) => {
      const wantsPage = request.headers.accept?.includes('text/html') ?? false;
      if (request.url.startsWith('/api') || !(wantsPage || request.url === '/')) {
        throw new ApiProblem('unknown_route', `there is no ${request.method} ${request.url.split('?', 1)[0] ?? ''}`);
      }
      if (!existsSync(join(folder, 'index.html'))) {
        throw new ApiProblem('unknown_route', 'the dashboard is not built', { remedy: 'npm run build:dashboard' });
      }
      return reply.header('cache-control', 'no-cache').sendFile('index.html', { cacheControl: false });
    },
  });
}
