/**
 * A raw directory with a watcher, for tests: real files, a real database, intervals of a fraction of a second, and a list of
 * what workflows were told.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openForWriting, type WritableCatalog } from '../../src/catalog/database.ts';
import { listGroups } from '../../src/catalog/groups.ts';
import { fileByPath, membersOf, type SubbandFileRow } from '../../src/catalog/subband-files.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { SubbandArrival } from '../../src/domain/arrival.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import type { Announce } from '../../src/ingest/announcer.ts';
import { createIngest, type Ingest } from '../../src/ingest/ingest.ts';
import { nameOf, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';

export const START = '2025-10-02T00:05:18';
export const NAME = '2025-10-02T00:05:19';
export const quiet = { info: () => undefined, warn: () => undefined };

export let base: string;
export let input: string;
export let outside: string;
export let catalog: WritableCatalog;
export let settings: Settings;
export let told: { groupId: string; arrival: SubbandArrival; lane: string; runNumber: number }[];

export const announce: Announce = async (groupId, { lane, runNumber }, arrivals) => {
  for (const arrival of arrivals) told.push({ groupId, arrival, lane, runNumber });
  return 'told';
};

/** A new directory, database and settings for each test; call once at the top of a test file. */
export function useWatchedDirectory(): void {
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'contimg-ingest-'));
    [input, outside] = [join(base, 'in'), join(base, 'elsewhere')];
    await mkdir(input);
    await mkdir(outside);
    told = [];
    const flags = [
      ['paths.input', input],
      ['paths.state', join(base, 'state')],
      ['paths.output', join(base, 'out')],
      ['watch.settleS', 0.05],
      ['watch.admissionS', 0.5],
      ['watch.rescanS', 0.3],
    ].map(([key, value]) => ({ key: String(key), value, name: 'test' }));
    settings = loadSettings({ flags }).settings;
    catalog = openForWriting(settings.paths.database, { role: 'watch' });
  });

  afterEach(async () => {
    catalog.close();
    await rm(base, { recursive: true });
  });
}

export const ingest = (): Promise<Ingest> => createIngest({ settings, database: catalog.database, announce, log: quiet });
export const scanOnce = async (): Promise<void> => {
  await (await ingest()).once();
};
export const place = (subband: number, name = NAME): string => join(input, nameOf(name, subband));
export const put = async (
  subband: number,
  changes: Partial<Parameters<typeof writeTinyFile>[1]> = {},
  name = NAME,
  folder = input,
): Promise<string> => {
  const path = join(folder, nameOf(name, subband));
  await writeTinyFile(path, { subband, t0Jd: t0JdOf(START), ...changes });
  return path;
};
export const row = (path: string): SubbandFileRow => {
  const found = fileByPath(catalog.database, path);
  if (found === null) throw new Error(`no row for ${path}`);
  return found;
};
export const statusOf = (path: string): string | undefined => fileByPath(catalog.database, path)?.status;
export const groups = (): string[] => listGroups(catalog.database, { limit: 200 }).groups.map((group) => group.group_id);
export const presentIn = (groupId: string): number[] => membersOf(catalog.database, groupId).map((member) => member.subband);

/** Waits for what the running watcher is about to do; the bound is far above its intervals of 0.05…0.5 s. */
export async function eventually(condition: () => boolean, withinMs = 8000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`it did not happen within ${withinMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function watching(work: () => Promise<void>): Promise<void> {
  const watcher = await ingest();
  await watcher.start();
  try {
    await work();
  } finally {
    await watcher.stop();
  }
}

/** The id of a group that must be there. */
export const groupIdOf = (text: string): GroupId => {
  const found = listGroups(catalog.database, { limit: 200 }).groups.find((group) => group.group_id === text);
  if (found === undefined) throw new Error(`no group ${text}`);
  return found.group_id;
};
