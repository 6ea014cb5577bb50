/** Light curves as files, read back by astropy: the same numbers, units, time scale and marks. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LightCurvePoint, lightCurveCsv, lightCurveVotable } from '../../src/domain/light-curve-file.ts';

const science = join(process.cwd(), 'science');
const READ_BACK = `
import json, sys, warnings
warnings.simplefilter('error')
from astropy.io import ascii
from astropy.io.votable import parse
tree = parse(sys.argv[1], verify='exception')
table = tree.get_first_table()
rows = ascii.read(sys.argv[2], format='csv')
print(json.dumps({
  'mjd': table.array['mjd'].tolist(), 'flux': table.array['flux_jy'].tolist(), 'limit': table.array['upper_limit'].tolist(),
  'flags': [str(flag) for flag in table.array['flags']], 'units': {f.name: str(f.unit) for f in table.fields if f.unit},
  'source': table.params[0].value, 'ra': table.params[1].value, 'scale': tree.resources[0].time_systems[0].timescale,
  'normalised': table.array['normalised_flux_jy'].filled(-1).tolist(), 'csv_normalised': rows['normalised_flux_jy'].filled(-1).tolist(),
  'csv_mjd': rows['mjd'].tolist(), 'csv_flags': [str(flag) for flag in rows['flags']]}))
`;

const point = (changes: Partial<LightCurvePoint>): LightCurvePoint => ({
  id: 3,
  mjd: 60_953.123_456_789_1,
  flux_jy: 1.234_567_890_123,
  error_jy: 0.012,
  normalised_flux_jy: 1.2,
  normalised_error_jy: 0.013,
  local_rms_jy: 0.001,
  snr: 1234.5,
  kind: 'forced',
  upper_limit: false,
  degraded: false,
  superseded: false,
  flags: [],
  image_product_id: 7,
  ...changes,
});

const unscaled = { normalised_flux_jy: null, normalised_error_jy: null };

test('astropy reads both files without a warning and finds every point as it was', () => {
  const folder = mkdtempSync(join(tmpdir(), 'light-curve-'));
  const points = [
    point({}),
    point({ mjd: 60_954, flux_jy: -0.002, ...unscaled, upper_limit: true, degraded: true, flags: ['edge', 'a "b", c'] }),
  ];
  const source = { id: 1, name: 'A <&> "B"', ra_deg: 71.488_232_93, dec_deg: 54.5 };
  try {
    const [votable, csv] = [join(folder, 'curve.xml'), join(folder, 'curve.csv')];
    writeFileSync(votable, lightCurveVotable(source, points));
    writeFileSync(csv, lightCurveCsv(points));
    const found: unknown = JSON.parse(
      execFileSync(join(science, '.venv/bin/python'), ['-c', READ_BACK, votable, csv], { encoding: 'utf8', timeout: 30_000 }),
    );
    expect(found).toEqual({
      mjd: points.map(({ mjd }) => mjd),
      flux: points.map(({ flux_jy }) => flux_jy),
      limit: [false, true],
      normalised: [1.2, -1],
      csv_normalised: [1.2, -1],
      flags: ['', 'edge a "b", c'],
      units: { mjd: 'd', flux_jy: 'Jy', error_jy: 'Jy', normalised_flux_jy: 'Jy', normalised_error_jy: 'Jy', local_rms_jy: 'Jy' },
      source: source.name,
      ra: source.ra_deg,
      scale: 'UTC',
      csv_mjd: points.map(({ mjd }) => mjd),
      csv_flags: ['--', 'edge a "b", c'],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
