/** What bench/night.ts reads from the product database of a night, and how it is printed. */
import { z } from 'zod';
import type { Truth } from '../ops/demo/truth.ts';
import { imageRow } from '../src/catalog/images.ts';
import { measurementRow } from '../src/catalog/measurements.ts';
import { type CatalogDatabase, rowsOf } from '../src/catalog/statement.ts';
import { stepAttemptRow } from '../src/catalog/step-attempts.ts';
import { median } from '../src/domain/median.ts';
import { STEP_NAMES } from '../src/domain/step.ts';

const costRow = stepAttemptRow.pick({ group_id: true, step: true, wall_s: true, cpu_s: true, max_rss_bytes: true }).extend({
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime(),
});
type Cost = z.infer<typeof costRow>;

export const costsOf = (database: CatalogDatabase): Cost[] =>
  rowsOf(
    database,
    costRow,
    `SELECT group_id, step, sum(wall_s) AS wall_s, sum(cpu_s) AS cpu_s, max(max_rss_bytes) AS max_rss_bytes,
       min(started_at) AS started_at, max(ended_at) AS ended_at
     FROM step_attempts WHERE outcome <> 'skipped' GROUP BY group_id, step`,
  );

const number = (value: number | null | undefined, digits = 1): string => (value ?? Number.NaN).toFixed(digits);

/** Wall seconds a step: of the calibrator group, and the least and the most of the science groups. */
export function printCosts(costs: readonly Cost[], truth: Truth): void {
  const isScience = (id: string): boolean => truth.groups.some(({ group_id, kind }) => group_id === id && kind === 'science');
  console.log('step             calibrator  science group, s   processor, s   peak memory, GiB');
  for (const step of STEP_NAMES) {
    const own = costs.filter((cost) => cost.step === step && cost.wall_s !== null);
    const science = own.filter(({ group_id }) => isScience(group_id));
    const calibrator = own.find(({ group_id }) => !isScience(group_id));
    if (own.length === 0) continue;
    const walls = science.map(({ wall_s }) => wall_s ?? Number.NaN);
    const cpu = science.map(({ cpu_s }) => cpu_s ?? Number.NaN);
    const peak = Math.max(...own.map(({ max_rss_bytes }) => (max_rss_bytes ?? 0) / 2 ** 30));
    const range = walls.length === 0 ? '' : `${number(Math.min(...walls))} – ${number(Math.max(...walls))}`;
    console.log(
      `${step.padEnd(16)} ${number(calibrator?.wall_s).padStart(10)}  ${range.padStart(16)}   ${(cpu.length === 0 ? '' : number(Math.max(...cpu))).padStart(12)}   ${number(peak, 2)}`,
    );
  }
  const totals = Map.groupBy(costs, ({ group_id }) => group_id);
  for (const [id, own] of totals) {
    const wall = own.reduce((sum, { wall_s }) => sum + (wall_s ?? 0), 0);
    // Collecting waits for files; what comes after it is work.
    const times = own
      .filter(({ step }) => step !== 'collect')
      .map(({ started_at, ended_at }) => [Date.parse(started_at), Date.parse(ended_at)]);
    const elapsedS = (Math.max(...times.flat()) - Math.min(...times.flat())) / 1000;
    console.log(
      `${id} ${isScience(id) ? 'science   ' : 'calibrator'} ${number(elapsedS)} s from collected to light-curve points, ${number(wall)} s of it in its programs`,
    );
  }
}

export const imagesOf = (database: CatalogDatabase) =>
  rowsOf(
    database,
    imageRow,
    `SELECT ${Object.keys(imageRow.shape)
      .map((column) => `i.${column}`)
      .join(', ')} FROM images i JOIN products p ON p.id = i.product_id
     WHERE p.status = 'current' ORDER BY i.mid_mjd`,
  );

const checkSchema = z.looseObject({ name: z.string(), value: z.number().nullish() });

export function printImages(images: ReturnType<typeof imagesOf>): void {
  for (const image of images) {
    const told = image.qa_checks.map((check) => checkSchema.parse(check)).map(({ name, value }) => `${name} ${number(value, 2)}`);
    console.log(`${image.group_id} ${image.qa_verdict}: noise ${number(image.noise_jy * 1e3, 3)} mJy, ${told.join(', ')}`);
  }
}

const pointRow = measurementRow
  .pick({ mjd: true, flux_jy: true, error_jy: true, local_rms_jy: true, pb_response: true })
  .extend({ name: z.string() });

export interface Point {
  name: string;
  snr: number;
  ratio: number;
  /** Of measured minus injected, in quoted errors. */
  pull: number;
}

/** Forced points of injected sources; signal-to-noise is the injected one. */
export function pointsOf(database: CatalogDatabase, truth: Truth): Point[] {
  const rows = rowsOf(
    database,
    pointRow,
    `SELECT m.mjd, m.flux_jy, m.error_jy, m.local_rms_jy, m.pb_response, s.name FROM measurements m JOIN sources s ON s.id = m.source_id
     WHERE m.superseded = 0 AND m.kind = 'forced'`,
  );
  return rows.flatMap(({ name, mjd, flux_jy, error_jy, local_rms_jy, pb_response }) => {
    const [group] = truth.groups.toSorted((one, other) => Math.abs(one.mid_mjd - mjd) - Math.abs(other.mid_mjd - mjd));
    const injected = group?.sources.find((source) => source.name === name)?.band_flux_jy;
    if (injected === undefined) return [];
    return [{ name, snr: (injected * pb_response) / local_rms_jy, ratio: flux_jy / injected, pull: (flux_jy - injected) / error_jy }];
  });
}

const SNR_EDGES = [5, 8, 12, 20, 50, 100, 300, Number.POSITIVE_INFINITY];

export function printFluxes(points: readonly Point[]): void {
  console.log('\nSNR            points  median flux ratio  scatter   farthest  pulls');
  for (const [index, low] of SNR_EDGES.slice(0, -1).entries()) {
    const high = SNR_EDGES[index + 1] ?? Number.NaN;
    const inside = points.filter(({ snr }) => snr >= low && snr < high);
    if (inside.length === 0) continue;
    const middle = median(inside.map(({ ratio }) => ratio)) ?? Number.NaN;
    const scatter = 1.4826 * (median(inside.map(({ ratio }) => Math.abs(ratio - middle))) ?? Number.NaN);
    const farthest = Math.max(...inside.map(({ ratio }) => Math.abs(ratio - 1)));
    const pulls = Math.sqrt(inside.reduce((sum, { pull }) => sum + pull ** 2, 0) / inside.length);
    console.log(
      `${`${low} to ${high}`.padEnd(14)} ${String(inside.length).padStart(6)}  ${number(middle, 4).padStart(17)}  ${number(100 * scatter, 2).padStart(6)} %  ${number(100 * farthest).padStart(6)} %  ${number(pulls, 2)}`,
    );
  }
}
