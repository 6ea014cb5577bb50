/** GET /status: who is there, to anyone; the whole of page Now to whoever may read. */
import { stat, statfs } from 'node:fs/promises';
import { localSiderealHours } from '../domain/sidereal-time.ts';
import { isoFromUnixMs, unixMsToMjd } from '../domain/utc.ts';
import { atLeast } from './access.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { publicStatusSchema, type Status, statusSchema } from './contract/status.ts';
import { newestImage } from './images.ts';
import { readNowFigures } from './now-figures.ts';
import { systemErrorCode } from '../domain/system-error.ts';
import { namespaceUrl } from './temporal-links.ts';

const BYTES_PER_GB = 1e9;

export function statusRoutes(app: ApiServer, dependencies: ApiDependencies): void {
  const { settings, database, now } = dependencies;
  const startedMs = now();

  async function readStatus(): Promise<Status> {
    const nowMs = now();
    const figures = readNowFigures(database, nowMs, settings.worker.slots);
    const disk = await freeSpace([settings.paths.output, settings.paths.scratch, settings.paths.state]);
    const spaceLow = disk.some(({ free_gb }) => free_gb < settings.disk.pauseGb);
    return {
      service: 'contimg',
      version: dependencies.version,
      state: spaceLow || figures.needs_attention > 0 ? 'degraded' : 'ok',
      uptime_seconds: (nowMs - startedMs) / 1000,
      time: { utc: isoFromUnixMs(nowMs), mjd: unixMsToMjd(nowMs), lst_hours: localSiderealHours(nowMs, settings.site.lonDeg) },
      ...figures,
      disk,
      last_image: newestImage(database),
      temporal_ui_url: namespaceUrl(settings.temporal),
    };
  }

  for (const url of ['/api/v1/status', '/api/status']) {
    app.route({
      method: 'GET',
      url,
      config: { role: 'none' },
      schema: { response: { 200: statusSchema.or(publicStatusSchema) } },
      handler: async (request) => {
        const status = await readStatus();
        if (atLeast(request.caller.role, 'viewer')) return status;
        return { service: status.service, version: status.version, state: status.state };
      },
    });
  }
}

/** One entry a file system; a folder that does not exist yet has none. */
async function freeSpace(folders: string[]): Promise<Status['disk']> {
  const byDevice = new Map<number, Status['disk'][number]>();
  for (const path of folders) {
    const device = await deviceOf(path);
    if (device === null || byDevice.has(device)) continue;
    const { bavail, blocks, bsize } = await statfs(path);
    byDevice.set(device, { path, free_gb: (bavail * bsize) / BYTES_PER_GB, total_gb: (blocks * bsize) / BYTES_PER_GB });
  }
  return [...byDevice.values()];
}

async function deviceOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).dev;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
