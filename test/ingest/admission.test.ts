/**
 * Each fault of a raw file ends as its own named refusal, in time, and every layout that must be accepted is.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { admit, type AdmissionVerdict } from '../../src/ingest/admission.ts';
import { signatureOf } from '../../src/ingest/file-signature.ts';
import type { HeaderFacts } from '../../src/ingest/header-facts.ts';
import { createHeaderReader, type HeaderReader } from '../../src/ingest/header-reader.ts';
import { subbandFrequenciesHz } from '../../src/ingest/frequency-checks.ts';
import { type HeaderValue, INTEGRATION_S, nameOf, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';

const START = '2025-10-02T00:05:18';
const site = { latDeg: 37.2334051, lonDeg: -118.283, heightM: 1188.05 };
let folder: string;
let reader: HeaderReader;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contimg-admission-'));
  reader = createHeaderReader({ deadlineMs: 5000 });
});
afterAll(async () => {
  await reader.close();
  await rm(folder, { recursive: true });
});

type Changes = Partial<Parameters<typeof writeTinyFile>[1]>;
const path = (): string => join(folder, nameOf(START, 3));

async function verdictOn(changes: Changes, nameTimeText = START): Promise<AdmissionVerdict> {
  await writeTinyFile(path(), { subband: 3, t0Jd: t0JdOf(START), ...changes });
  return verdictOnDisk(nameTimeText);
}
async function verdictOnDisk(nameTimeText = START, using = reader): Promise<AdmissionVerdict> {
  const signature = signatureOf(await stat(path(), { bigint: true }));
  return admit(path(), signature, { subband: 3, nameTimeText }, site, using);
}
const codeOf = (verdict: AdmissionVerdict): string => (verdict.kind === 'rejected' ? verdict.rejection.code : verdict.kind);
const header = (name: string, value: HeaderValue | null): Changes => ({ header: { [name]: value } });
const number = (value: number): HeaderValue => ({ data: Float64Array.of(value), shape: [] });
const rows = (value: number): HeaderValue => ({ data: new Float64Array(18).fill(value) });
const times = (of: (time: number) => number): HeaderValue => ({
  data: Float64Array.from({ length: 18 }, (_, row) => of(Math.floor(row / 6))),
});
const t0 = t0JdOf(START);
const stepDays = INTEGRATION_S / 86_400;

async function facts(changes: Changes): Promise<HeaderFacts> {
  const verdict = await verdictOn(changes);
  if (verdict.kind !== 'admitted') throw new Error(codeOf(verdict));
  return verdict.facts;
}
const hertz = (subband: number, channel: number): number | undefined => subbandFrequenciesHz(subband, 48)[channel];

describe('faults of a header', () => {
  const faults: [fault: string, code: string, changes: Changes, nameTimeText?: string][] = [
    ['no time_array', 'MissingDataset', header('time_array', null)],
    ['no visibilities', 'MissingDataset', { drop: ['Data/visdata'] }],
    ['text where numbers belong', 'BadType', header('freq_array', { data: ['1400 MHz'], dtype: 'S8' })],
    ['one row too many of ant_1_array', 'BadShape', header('ant_1_array', { data: new BigInt64Array(19) })],
    ['a count that disagrees', 'BadShape', header('Ntimes', { data: BigInt64Array.of(4n), shape: [] })],
    ['more rows of visibilities than times', 'BadShape', { visdataRows: 24 }],
    [
      'a time not written yet',
      'BadTimes',
      header(
        'time_array',
        times((k) => (k === 2 ? 0 : t0 + k * stepDays)),
      ),
    ],
    [
      'a time that is no number',
      'BadTimes',
      header(
        'time_array',
        times(() => Number.NaN),
      ),
    ],
    [
      'a step of 13 s',
      'BadTimes',
      header(
        'time_array',
        times((k) => t0 + (k * 13) / 86_400),
      ),
    ],
    [
      'the year 2009',
      'BadTimes',
      header(
        'time_array',
        times((k) => 2_455_000.5 + k * stepDays),
      ),
    ],
    ['integrations of 10 s', 'BadTimes', header('integration_time', rows(10))],
    ['a header four hours before its name', 'ImplausibleClock', {}, '2025-10-02T04:05:18'],
    ['a header two hours after its name', 'ImplausibleClock', {}, '2025-10-01T22:05:18'],
    [
      'channels of another subband',
      'BadFrequencies',
      header('freq_array', { data: Float64Array.from(subbandFrequenciesHz(7, 6)), shape: [1, 6] }),
    ],
    ['a channel width of 1 MHz', 'BadFrequencies', header('channel_width', number(1e6))],
    ['no declination at all', 'BadPointing', { header: { phase_center_app_dec: null, 'extra_keywords/phase_center_dec': null } }],
    ['a declination of −50°', 'BadPointing', { decRad: -0.87 }],
    ['two declinations', 'BadPointing', header('phase_center_app_dec', number(0.651))],
    ['an hour angle that is not zero', 'UnknownPhaseCentre', header('extra_keywords/ha_phase_center', number(0.1))],
    ['an epoch of J2000', 'UnknownPhaseCentre', header('extra_keywords/phase_center_epoch', { data: 'J2000', shape: [], dtype: 'S5' })],
    ['a phased header', 'UnknownPhaseCentre', header('phase_type', { data: 'phased', shape: [], dtype: 'S6' })],
    ['an antenna nobody knows', 'BadAntennas', header('antenna_numbers', { data: BigInt64Array.of(0n, 1n, 12n, 13n) })],
    ['an antenna 6 km away', 'BadAntennas', header('antenna_positions', { data: new Float64Array(12).fill(4000), shape: [4, 3] })],
    ['another telescope', 'ForeignSite', header('longitude', number(-118.27))],
  ];
  test.each(faults)('%s is refused as %s', async (...[_fault, code, changes, nameTimeText]) => {
    expect(codeOf(await verdictOn(changes, nameTimeText))).toBe(code);
  });

  test('a refusal names both values and what to do', async () => {
    const verdict = await verdictOn(header('freq_array', { data: Float64Array.from(subbandFrequenciesHz(7, 6)), shape: [1, 6] }));
    if (verdict.kind !== 'rejected') throw new Error('it was admitted');
    expect(verdict.rejection).toMatchObject({ message: 'name says sb03, channels are sb07’s', mayBeHalfWritten: false });
    expect(verdict.rejection.remedy.length).toBeGreaterThan(20);
  });

  test('a header that claims terabytes is refused before anything is read', async () => {
    await verdictOn({});
    const before = process.cpuUsage();
    expect(codeOf(await verdictOn({ visdataRows: 30_000_000_000 }))).toBe('HeaderTooLarge');
    // Processor time, which a busy machine does not stretch; one pass over a thousandth of the claim would take more.
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2);
  });

  test('a read that does not end is ended at the deadline, and the next file is read', async () => {
    const stuck = new URL(
      'data:text/javascript,import{parentPort}from"node:worker_threads";parentPort.on("message",()=>{for(;;){}});parentPort.postMessage("ready")',
    );
    const slow = createHeaderReader({ deadlineMs: 300, workerUrl: stuck });
    await writeTinyFile(path(), { subband: 3, t0Jd: t0 });
    expect(codeOf(await verdictOnDisk(START, slow))).toBe('HeaderTimeout');
    expect(codeOf(await verdictOnDisk(START, slow))).toBe('HeaderTimeout');
    await slow.close();
    expect(codeOf(await verdictOnDisk())).toBe('admitted');
  });

  test('random bytes over a header end as a refusal, and the reader goes on', async () => {
    await writeTinyFile(path(), { subband: 3, t0Jd: t0 });
    const content = await readFile(path());
    for (let at = 96; at < 4096; at += 1) content[at] = (at * 2_654_435_761) & 255;
    await writeFile(path(), content);
    expect((await verdictOnDisk()).kind).toBe('rejected');
    expect(codeOf(await verdictOn({}))).toBe('admitted');
  });
});

describe('what is accepted', () => {
  const accepted: [string, Changes][] = [
    ['the correlator’s own layout', {}],
    ['a negative channel width', header('channel_width', number(-(250e6 / 8192) * 64))],
    ['ascending channels in one dimension', header('freq_array', { data: Float64Array.from(subbandFrequenciesHz(3, 6)).toReversed() })],
    ['a scalar integration time', header('integration_time', number(INTEGRATION_S))],
    ['48 channels', { channels: 48 }],
    ['a single integration', { integrations: 1 }],
    ['counts left out', { header: { Ntimes: null, Nbls: null, Nblts: null, Nants_data: null } }],
    ['the declination only as phase_center_app_dec', header('extra_keywords/phase_center_dec', null)],
  ];
  test.each(accepted)('%s', async (_layout, changes) => {
    expect(codeOf(await verdictOn(changes))).toBe('admitted');
  });

  test('a copy has the same digests; other visibilities, or another history, have another header digest', async () => {
    const [first, copy, other, later] = [
      await facts({}),
      await facts({}),
      await facts({ level: 2 }),
      await facts({ history: 'another node' }),
    ];
    expect(copy).toEqual(first);
    for (const different of [other, later]) {
      expect(different.headerDigest).not.toBe(first.headerDigest);
      expect(different.gridDigest).toBe(first.gridDigest);
    }
    expect((await facts({ antennas: 4 })).gridDigest).not.toBe(first.gridDigest);
    expect((await facts({ integrations: 2 })).gridDigest).toBe(first.gridDigest);
  });

  test('the channels of real files', () => {
    expect([hertz(0, 0), hertz(7, 47), hertz(15, 47)]).toEqual([1_498_643_188.4765625, 1_405_137_329.1015625, 1_311_387_329.1015625]);
  });
});
