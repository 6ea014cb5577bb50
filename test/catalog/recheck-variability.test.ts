/** The nightly look: sums made again from the points, faults put right and counted, in pages that miss no source. */
import { recheckVariability } from '../../src/catalog/recheck-variability.ts';
import { variabilityOfSource } from '../../src/catalog/source-variability.ts';
import { gaussian, recordImage } from './images-of-a-field.ts';
import { AT, importGrid, type OpenNight, openNight } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
  importGrid(night.database, 5);
  const noise = gaussian(7);
  for (const day of [0, 1, 2, 3]) recordImage(night.database, { day, scale: 1, fluxesJy: [1, 2, 3, 4, 5] }, () => noise());
});
afterEach(() => night.close());

const everything = () => recheckVariability(night.database, { after: 0, limit: 100, at: AT });

test('nothing is put right where the sums are those of the points', () => {
  expect(everything()).toEqual({ last: 5, sources: 5, corrected: 0 });
});

test('a sum that went wrong, and a source that lost its row, are put right from the points and counted', () => {
  const right = [2, 4].map((source) => variabilityOfSource(night.database, source));
  night.database.exec('UPDATE variability SET sum_wx = sum_wx * 1.01 WHERE source_id = 2; DELETE FROM variability WHERE source_id = 4');
  expect(everything()).toEqual({ last: 5, sources: 5, corrected: 2 });
  for (const [index, source] of [2, 4].entries()) {
    const now = variabilityOfSource(night.database, source);
    expect([now?.n, now?.eta]).toEqual([right[index]?.n, expect.closeTo(right[index]?.eta ?? 0, 9)]);
  }
});

test('pages of two go through all five sources', () => {
  const pages = [0, 2, 4, 5].map((after) => recheckVariability(night.database, { after, limit: 2, at: AT }));
  expect(pages.map(({ last, sources }) => [last, sources])).toEqual([
    [2, 2],
    [4, 2],
    [5, 1],
    [null, 0],
  ]);
});
