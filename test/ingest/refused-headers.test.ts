/**
 * Each fault of a header ends as its own named refusal that says what was found and what was expected, with a remedy.
 */
import { truncate, writeFile } from 'node:fs/promises';
import { subbandFrequenciesHz } from '../../src/ingest/frequency-checks.ts';
import {
  type Changes,
  codeOf,
  filePath,
  header,
  number,
  refusalOf,
  rows,
  START,
  text,
  times,
  useOneFile,
  verdictOn,
  verdictOnDisk,
} from './one-file.ts';
import { INTEGRATION_S, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';

useOneFile();

const t0 = t0JdOf(START);
const stepDays = INTEGRATION_S / 86_400;
const channelsOf = (subband: number, count = 6) => ({ data: Float64Array.from(subbandFrequenciesHz(subband, count)), shape: [1, count] });
const extra = (name: string): string => `extra_keywords/${name}`;

type Fault = [fault: string, code: string, message: RegExp, changes: Changes, nameTimeText?: string];
const faults: Fault[] = [
  ['text where numbers belong', 'BadType', /freq_array has HDF5 type class 3, not numbers/, header('freq_array', { data: ['1400 MHz'], dtype: 'S8' })],
  ['numbers where text belongs', 'BadType', /antenna_names has HDF5 type class 1, not text/, header('antenna_names', { data: new Float64Array(4) })],
  ['one row too many of ant_1_array', 'BadShape', /ant_1_array has 19 rows, time_array has 18/, header('ant_1_array', { data: new BigInt64Array(19) })],
  ['a count that disagrees', 'BadShape', /Ntimes is 4, the rows are 3 times × 6 baselines/, header('Ntimes', { data: BigInt64Array.of(4n), shape: [] })],
  ['more rows of visibilities than times', 'BadShape', /visdata has shape \(24, 1, 6, 2\), the header says \(18, 1, 6, 2\)/, { visdataRows: 24 }],
  ['channels in two windows', 'BadShape', /freq_array has shape \(2, 3\), expected \(1, 6\) or \(6\)/, header('freq_array', { data: new Float64Array(6), shape: [2, 3] })],
  ['positions of fewer antennas than numbers', 'BadShape', /antenna_positions has shape \(3, 3\)/, header('antenna_positions', { data: new Float64Array(9), shape: [3, 3] })],
  ['a time not written yet', 'BadTimes', /time_array\[12\] = 0: not written yet/, header('time_array', times((k) => (k === 2 ? 0 : t0 + k * stepDays)))],
  ['a time that is no number', 'BadTimes', /time_array\[0\] = NaN/, header('time_array', times(() => Number.NaN))],
  ['a step of 13 s', 'BadTimes', /integration 1 comes 13.0000 s after the one before, integration_time is 12.8849 s/, header('time_array', times((k) => t0 + (k * 13) / 86_400))],
  ['a step 2 ms long', 'BadTimes', /integration 2 comes 12.8869 s/, header('time_array', times((k) => t0 + k * stepDays + (k === 2 ? 0.002 / 86_400 : 0)))],
  ['the year 2009', 'BadTimes', /2009-06-18T00:00:00.000Z, outside 2015…2100/, header('time_array', times((k) => 2_455_000.5 + k * stepDays))],
  ['the year 2101', 'BadTimes', /2101-01-0\d.*outside 2015…2100/, header('time_array', times((k) => 2_488_435.5 + k * stepDays))],
  ['integrations of 10 s', 'BadTimes', /integration_time\[0\] = 10 s, expected 12.884901888 s within 1 %/, header('integration_time', times(() => 10))],
  ['one integration of another length', 'BadTimes', /integration_time\[17\] = 13.1 s/, header('integration_time', rows((row) => (row === 17 ? 13.1 : INTEGRATION_S)))],
  ['a header four hours before its name', 'ImplausibleClock', /the name says 2025-10-02T04:05:18, the header 2025-10-02T00:05:24/, {}, '2025-10-02T04:05:18'],
  ['a header two hours after its name', 'ImplausibleClock', /the name says 2025-10-01T22:05:18/, {}, '2025-10-01T22:05:18'],
  ['channels of another subband', 'BadFrequencies', /^name says sb03, channels are sb07’s$/, header('freq_array', channelsOf(7))],
  ['channels of the node without an entry in the table', 'BadFrequencies', /name says sb03, channels start at 1425.288696 MHz/, header('freq_array', { data: channelsOf(0).data.map((hz) => hz - 72.5e6), shape: [1, 6] })],
  ['a channel 2 kHz off', 'BadFrequencies', /name says sb03/, header('freq_array', { data: channelsOf(3).data.map((hz, c) => (c === 4 ? hz + 2000 : hz)), shape: [1, 6] })],
  ['a channel width of 1 MHz', 'BadFrequencies', /channel_width is 1000000 Hz, expected ±1953125 Hz/, header('channel_width', number(1e6))],
  ['five channels', 'BadFrequencies', /5 channels do not divide the 384/, { header: { freq_array: { data: new Float64Array(5), shape: [1, 5] }, Nfreqs: { data: BigInt64Array.of(5n), shape: [] } }, channels: 5 }],
  ['no declination at all', 'BadPointing', /no declination: extra_keywords\/phase_center_dec, phase_center_app_dec and phase_center_dec are absent/, { header: { phase_center_app_dec: null, [extra('phase_center_dec')]: null } }],
  ['a declination of −50°', 'BadPointing', /declination -0.87 rad is not within −40…90°/, { decRad: -0.87 }],
  ['a declination that is no number', 'BadPointing', /declination NaN rad/, { decRad: Number.NaN }],
  ['two declinations', 'BadPointing', /declinations disagree: 0.65 and 0.651 rad/, header('phase_center_app_dec', number(0.651))],
  ['declinations 2e-9 rad apart', 'BadPointing', /declinations disagree/, header('phase_center_app_dec', number(0.65 + 2e-9))],
  ['a declination that changes from row to row', 'BadShape', /phase_center_app_dec has 18 values that are not one/, header('phase_center_app_dec', rows((row) => 0.65 + row * 1e-6))],
  ['an hour angle that is not zero', 'UnknownPhaseCentre', /ha_phase_center is 0.1 rad, expected 0/, header(extra('ha_phase_center'), number(0.1))],
  ['an epoch of J2000', 'UnknownPhaseCentre', /phase_center_epoch is J2000, expected HADEC/, header(extra('phase_center_epoch'), text('J2000'))],
  ['a phased header', 'UnknownPhaseCentre', /phase_type is phased, expected drift/, header('phase_type', text('phased'))],
  ['no word on what the declination is', 'UnknownPhaseCentre', /neither phase_center_epoch nor phase_center_app_dec/, { header: { [extra('phase_center_epoch')]: null, phase_center_app_dec: null } }],
  ['an antenna nobody knows', 'BadAntennas', /antenna 2 is not in antenna_numbers/, header('antenna_numbers', { data: BigInt64Array.of(0n, 1n, 12n, 13n) })],
  ['an antenna number twice', 'BadAntennas', /holds a number twice/, header('antenna_numbers', { data: BigInt64Array.of(0n, 1n, 1n, 2n) })],
  ['an antenna 6 km away', 'BadAntennas', /antenna 0 \(station 1\) is 6.928 km from the site/, header('antenna_positions', { data: new Float64Array(12).fill(4000), shape: [4, 3] })],
  ['an antenna nowhere', 'BadAntennas', /antenna 0 \(station 1\) is NaN km/, header('antenna_positions', { data: new Float64Array(12).fill(Number.NaN), shape: [4, 3] })],
  ['a single antenna', 'BadAntennas', /1 antenna in the data, at least 2 expected/, { antennas: 1 }],
  ['another telescope', 'ForeignSite', /header site 37.2334° -118.2700° 1188 m, configured 37.2334° -118.2830° 1188 m: 1.2 km apart/, header('longitude', number(-118.27))],
]; // biome-ignore format: a table

test.each(faults)('%s is refused as %s', async (...[_fault, code, message, changes, nameTimeText]) => {
  const refusal = refusalOf(await verdictOn(changes, nameTimeText));
  expect(refusal.code).toBe(code);
  expect(refusal.message).toMatch(message);
  expect(refusal.remedy).toMatch(/^[A-Z].{20,}\.$/);
});

const NEEDED = [
  'time_array', 'integration_time', 'ant_1_array', 'ant_2_array', 'antenna_names', 'antenna_numbers', 'antenna_positions', 'freq_array',
  'channel_width', 'polarization_array', 'latitude', 'longitude', 'altitude',
]; // biome-ignore format: a list of names
test.each(NEEDED)('a header without %s is refused by that name', async (name) => {
  expect(refusalOf(await verdictOn(header(name, null)))).toMatchObject({ code: 'MissingDataset', message: `Header/${name} is absent` });
});
test.each(['Data/visdata', 'Data/flags', 'Data/nsamples'])('a file without %s is refused by that name', async (name) => {
  expect(refusalOf(await verdictOn({ drop: [name] }))).toMatchObject({ code: 'MissingDataset', message: `${name} is absent` });
});

describe('before the header is read', () => {
  test('an empty file says since when it is', async () => {
    await writeFile(filePath(), '');
    expect(refusalOf(await verdictOnDisk())).toMatchObject({ code: 'EmptyFile', mayBeHalfWritten: true });
    expect(refusalOf(await verdictOnDisk()).message).toMatch(/^empty since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('a file that is not HDF5 shows its first bytes', async () => {
    await writeFile(filePath(), 'SIMPLE  =                    T');
    expect(refusalOf(await verdictOnDisk())).toMatchObject({ code: 'NotHdf5', message: expect.stringContaining('53494d504c452020') });
  });

  test('a cut file says how much of it is there', async () => {
    await writeTinyFile(filePath(), { subband: 3, t0Jd: t0 });
    await truncate(filePath(), 12_000);
    expect(refusalOf(await verdictOnDisk())).toMatchObject({
      code: 'Truncated',
      message: expect.stringMatching(/^0\.012 of 0\.0\d\d MB$/),
    });
  });

  test('eight bytes are no file yet, whatever they say', async () => {
    await writeFile(filePath(), Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]));
    expect(codeOf(await verdictOnDisk())).toBe('NotHdf5');
  });
});
