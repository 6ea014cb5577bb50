/**
 * `node bench/light-curves.ts [--points N]`: what light curves cost in a database of N points (10,000,000) of 20,000 sources,
 * built afresh in a temporary folder (about 2 GB). Adding one image of 1,000 points, reading a long light curve, a cone
 * search, beside the same on a database that holds next to nothing, or the bare rows from SQLite, in the same run. Best and
 * median of several.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { lightCurveOf } from '../src/catalog/light-curve.ts';
import { sourcesNear } from '../src/catalog/sources.ts';
import { median } from '../src/domain/median.ts';
import { addImage, FIELD, manyPoints } from '../test/catalog/many-points.ts';
import { importGrid, type OpenNight, openNight } from '../test/catalog/night.ts';

const FIELDS = 20;
const ROUNDS = 15;
const EMPTY = 'almost empty database';

const { values } = parseArgs({ options: { points: { type: 'string', default: '10000000' } } });
const epochs = Math.max(1, Math.round(Number(values.points) / (FIELDS * FIELD)));

const timed = (work: () => unknown): number => {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
};
const rounds = (work: (round: number) => number): number[] => Array.from({ length: ROUNDS }, (_, round) => work(round));

function say(what: string, bar: number, full: readonly number[], peer: { is: string; took: readonly number[] }): void {
  const [best, bestPeer] = [Math.min(...full), Math.min(...peer.took)];
  const figures = `best ${best.toFixed(1)} ms, median ${(median(full) ?? Number.NaN).toFixed(1)} ms (bar ${bar} ms)`;
  console.log(`${what.padEnd(36)} ${figures}; ${peer.is}: best ${bestPeer.toFixed(1)} ms, ratio ${(best / bestPeer).toFixed(2)}`);
}

const startedMs = performance.now();
const full = manyPoints({ fields: FIELDS, epochs });
const peer: OpenNight = openNight();
try {
  importGrid(peer.database, FIELDS * FIELD);
  const gigabytes = statSync(full.path).size / 1e9;
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(
    `${epochs * FIELDS * (FIELD + 1)} points of ${FIELDS * FIELD + 1} sources, ${gigabytes.toFixed(2)} GB, built in ${seconds.toFixed(0)} s`,
  );
  // The first ten images of a field are its references, and each changes what the earlier ones are held against.
  for (let day = 0; day < 11; day += 1) addImage(peer, day);
  const [addedFull, addedEmpty] = [full, peer].map((night) => rounds((round) => addImage(night, 100 + round).wallMs));
  say(`add one image of ${FIELD} points`, 100, addedFull ?? [], { is: EMPTY, took: addedEmpty ?? [] });
  const bareRows = full.database.prepare(
    `SELECT id, image_product_id, mjd, flux_jy, error_jy, normalised_flux_jy, normalised_error_jy, local_rms_jy, snr, kind, upper_limit,
       degraded, superseded, flags FROM measurements WHERE source_id = ? ORDER BY mjd, id`,
  );
  const long = lightCurveOf(full.database, full.longSource).length;
  say(
    `light curve of ${long} points`,
    20,
    rounds(() => timed(() => lightCurveOf(full.database, full.longSource))),
    { is: 'bare rows', took: rounds(() => timed(() => bareRows.all(full.longSource))) },
  );
  const cone = { raDeg: 5, decDeg: 54.5, radiusDeg: 1 };
  const near = sourcesNear(full.database, cone).length;
  say(
    `cone of 1°, ${near} sources`,
    10,
    rounds(() => timed(() => sourcesNear(full.database, cone))),
    { is: EMPTY, took: rounds(() => timed(() => sourcesNear(peer.database, cone))) },
  );
  console.log(
    `load ${loadavg()[0]?.toFixed(1)}; integrity: ${execFileSync('sqlite3', [full.path, 'PRAGMA quick_check']).toString().trim()}`,
  );
} finally {
  full.close();
  peer.close();
}
