/** What the API is given; it finds nothing by itself. */
import type { FastifyBaseLogger } from 'fastify';
import type { CatalogDatabase } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import type { GroupOperations } from './group-operations.ts';
import type { OperatorToken } from './operator-token.ts';

export interface ApiDependencies {
  settings: Settings;
  /** Opened read-only: the API writes nothing. */
  database: CatalogDatabase;
  operations: GroupOperations;
  operatorToken: OperatorToken;
  dashboardFolder: string;
  version: string;
  log: FastifyBaseLogger;
  /** Milliseconds UTC. */
  now: () => number;
}
