/** Candidates: what doubles is one, what is steady is not, and what a person said of one stays. */
import { candidateById, decideCandidate, listCandidates } from '../../src/catalog/candidates.ts';
import { settleVariability } from '../../src/catalog/settle-variability.ts';
import { gaussian, recordImage } from './images-of-a-field.ts';
import { AT, importGrid, type OpenNight, openNight } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

const found = (): number[] => listCandidates(night.database, null).map((candidate) => candidate.source_id);

test('of 200 steady sources with honest errors at most one is a candidate, and the one that doubles is', () => {
  importGrid(night.database, 201);
  const noise = gaussian(3);
  // From 5 mJy, an upper limit most nights, to 2 Jy; errors of 2 mJy, and flux scales that are off by 3 %.
  const fluxes = Array.from({ length: 201 }, (_, index) => 0.005 * 400 ** (index / 200));
  for (let day = 0; day < 20; day += 1) {
    const fluxesJy = fluxes.map((flux, index) => (index === 120 && day === 15 ? 2 * flux : flux));
    recordImage(night.database, { day, scale: 1 + 0.03 * noise(), fluxesJy, errorJy: 0.002 }, () => noise());
  }
  expect(found()).toContain(121);
  expect(found().length).toBeLessThanOrEqual(2);
  const doubled = listCandidates(night.database, 'new').find((candidate) => candidate.source_id === 121);
  expect(doubled).toMatchObject({ ese_shape: 'rise', preset: 'moderate', n: 20 });
  // Twice the flux against once: 2 (2 − 1) / (2 + 1).
  expect(doubled?.two_epoch_m).toBeCloseTo(2 / 3, 1);
  expect((doubled?.high_mjd ?? 0) - 60_950).toBe(15);
});

const night3 = (fluxesOfDays: number[][]): void => {
  for (const [day, fluxesJy] of fluxesOfDays.entries()) recordImage(night.database, { day, scale: 1, fluxesJy });
};

test('one that nobody judged goes again when its points no longer support it; one that was judged stays', () => {
  importGrid(night.database, 2);
  night3([
    [1, 1],
    [1, 1],
    [2, 2],
  ]);
  expect(found()).toEqual([1, 2]);
  const [first] = listCandidates(night.database, 'new');
  expect(decideCandidate(night.database, { id: first?.id ?? 0, status: 'confirmed', by: 'ada', note: 'seen by eye', at: AT })).toBe(true);
  // The third image is measured again, and says that neither doubled.
  recordImage(night.database, { day: 2, run: 2, scale: 1, fluxesJy: [1, 1] });
  expect(listCandidates(night.database, null)).toMatchObject([
    { id: first?.id, status: 'confirmed', decided_by: 'ada', note: 'seen by eye' },
  ]);
  expect(candidateById(night.database, first?.id ?? 0)?.ese_score).toBeLessThan(1);
});

test('another preset at the start of the writer holds every source against it', () => {
  importGrid(night.database, 1);
  night3([[1], [1], [2]]);
  settleVariability(night.database, { preset: 'conservative', at: AT });
  expect(found()).toEqual([]);
  settleVariability(night.database, { preset: 'sensitive', at: AT });
  expect(listCandidates(night.database, null)).toMatchObject([{ preset: 'sensitive' }]);
});

test('there is nothing to decide of a candidate that is not there', () => {
  expect(decideCandidate(night.database, { id: 9, status: 'rejected', by: 'ada', note: 'an artefact', at: AT })).toBe(false);
});
