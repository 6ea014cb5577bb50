/**
 * Assembles the HTTP server: one Fastify instance, its protections, and every route. Promises that each route declares a
 * role, that each answer fits its schema, and that nothing is written: changes go to Temporal, reads come from a read-only
 * database.
 */
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type RawServerDefault } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { installAccess } from './access.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import { authRoutes } from './auth.ts';
import { candidateRoutes } from './candidates.ts';
import { installCrossOrigin } from './cross-origin.ts';
import { dashboardFiles } from './dashboard-files.ts';
import { installEntityTags } from './entity-tags.ts';
import { installErrorReplies } from './error-replies.ts';
import { eventRoutes } from './events.ts';
import { groupActionRoutes } from './group-actions.ts';
import { groupRoutes } from './groups.ts';
import { healthRoutes } from './health.ts';
import { imageRoutes } from './images.ts';
import { ledgerRoutes } from './ledger.ts';
import { lineageRoutes } from './lineage.ts';
import { installOpenApi } from './openapi.ts';
import { installRateLimits } from './rate-limits.ts';
import { sourceRoutes } from './sources.ts';
import { statusRoutes } from './status.ts';
import { stepRoutes } from './steps.ts';

export type ApiServer = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

const BODY_BYTES = 1024 ** 2;

export async function buildApiServer(dependencies: ApiDependencies): Promise<ApiServer> {
  const app: ApiServer = Fastify({
    loggerInstance: dependencies.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 200 },
    maxRequestsPerSocket: 0,
    requestTimeout: 30_000,
    forceCloseConnections: true,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  // Before everything that may refuse, so that a refusal names its request too.
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  installCrossOrigin(app, dependencies.settings.api.corsOrigins);
  installErrorReplies(app);
  installAccess(app, { token: dependencies.operatorToken, anonymousRead: dependencies.settings.api.anonymousRead, now: dependencies.now });
  await app.register(helmet, PAGE_PROTECTION);
  await installRateLimits(app);
  installEntityTags(app);
  await installOpenApi(app, dependencies.version);
  await app.register(fastifyStatic, { root: dependencies.dashboardFolder, serve: false });

  // Routes are registered after the plugins above have loaded, so that the document of openapi.json holds them all.
  await app.register(async (api) => {
    for (const routes of [
      statusRoutes,
      healthRoutes,
      authRoutes,
      stepRoutes,
      groupRoutes,
      groupActionRoutes,
      imageRoutes,
      sourceRoutes,
      candidateRoutes,
      ledgerRoutes,
      lineageRoutes,
      eventRoutes,
    ]) {
      routes(api, dependencies);
    }
  });
  dashboardFiles(app, dependencies.dashboardFolder);
  return app;
}

/** Scripts and styles only from our own files; no frame, no plug-in, nothing from elsewhere. */
const PAGE_PROTECTION = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      objectSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  },
  // Plain HTTP on loopback; a proxy that adds TLS adds HSTS.
  strictTransportSecurity: false,
};
