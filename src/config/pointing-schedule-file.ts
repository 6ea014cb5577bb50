/** Reads the file of setting `paths.pointing_schedule`. A file that cannot be used is answered with the reason, whole or not at all. */
import { readFile } from 'node:fs/promises';
import { parsePointingSchedule, type PointingSchedule, ScheduleError } from '../domain/pointing-schedule.ts';
import { systemErrorCode } from '../domain/system-error.ts';

export async function readPointingSchedule(path: string | undefined): Promise<{ schedule: PointingSchedule; problem: string | null }> {
  if (path === undefined) return { schedule: [], problem: null };
  try {
    return { schedule: parsePointingSchedule(await readFile(path, 'utf8')), problem: null };
  } catch (error) {
    if (error instanceof ScheduleError) return { schedule: [], problem: `${path}: ${error.message}` };
    const code = systemErrorCode(error);
    if (code === null) throw error;
    return { schedule: [], problem: `${path}: Unreadable: ${code}` };
  }
}
