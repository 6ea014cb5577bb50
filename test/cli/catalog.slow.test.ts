/** `contimg catalog` with files of the simulator: what an operator sees, and what the pipeline then hands to its programs. */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeCalibrators } from '../../activities/imported-calibrators.ts';
import { listImports } from '../../src/catalog/catalogue-import.ts';
import { openForReading, openForWriting } from '../../src/catalog/database.ts';
import { importSources } from '../../src/catalog/source-import.ts';
import { loadSettings } from '../../src/config/load.ts';

const root = resolve(import.meta.dirname, '..', '..');
const science = join(root, 'science');
const folder = mkdtempSync(join(tmpdir(), 'contimg-catalog-'));
const state = join(folder, 'state');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const python = (script: string, ...args: string[]): string =>
  execFileSync(join(science, '.venv/bin/python'), ['-c', script, ...args], { cwd: science, encoding: 'utf8' });

beforeAll(() => {
  python(
    `
import sys
from pathlib import Path
from contimg_science.simulation.catalogue_files import write_catalogue_files
from contimg_science.simulation.sky import STEADY, Source
sky = [Source("A", 0.02, 50.4, 7.0, -0.7, STEADY, None), Source("B", 359.9, 51.0, 0.6, -0.7, STEADY, None), Source("C", 10, 50.0, 0.1, -0.7, STEADY, None)]
write_catalogue_files(Path(sys.argv[1]), sky)
`,
    folder,
  );
}, 30_000);

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}
const contimg = (args: string[], environment: NodeJS.ProcessEnv = {}): Promise<Answer> =>
  new Promise((answer) => {
    const command = [join(root, 'src/cli/main.ts'), ...args, '--state-dir', state];
    execFile(process.execPath, command, { env: { ...process.env, ...environment } }, (error, stdout, stderr) => {
      answer({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
const catalog = (...args: string[]): Promise<Answer> => contimg(['catalog', ...args]);

/** Versions in the database. */
function imports(): string[] {
  const database = openForReading(join(state, 'db', 'pipeline.sqlite3'));
  try {
    return listImports(database).map(({ catalogue, version, status }) => `${catalogue} ${version} ${status}`);
  } finally {
    database.close();
  }
}

const file = (name: string): string => join(folder, name);
const sha256 = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(file(name)))
    .digest('hex');

test('a catalogue is imported once, says what was left out and on what frequency it stands, and its successor supersedes it', async () => {
  const first = await catalog('import', 'vla', file('vla.txt'), '--verify', sha256('vla.txt'));
  expect(first).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('vla version 1: 2 sources, 0 of them without a flux; 1 left out: no flux at L band'),
  });
  expect((await catalog('import', 'vla', file('vla.txt'))).stdout).toContain('nothing changed');
  writeFileSync(file('vla.txt'), readFileSync(file('vla.txt'), 'utf8').replace('7.0000', '8.0000'));
  expect(JSON.parse((await catalog('import', 'vla', file('vla.txt'), '--json')).stdout)).toMatchObject({
    data: { changed: true, catalogue: { version: 2, sources: 2, left_out: 1 } },
  });
  expect((await catalog('import', 'racs-low', file('racs-low.xml'))).stdout).toContain('887.5 MHz, taken to 1.4 GHz with index -0.7');
  const { stdout } = await catalog('list');
  expect(stdout).toMatch(/racs-low +1 +current .*\nvla +2 +current .*\nvla +1 +superseded /);
  expect((await catalog('import', '--list')).stdout).toBe(stdout);
}, 120_000);

test('the doctor says whether the survey that the settings name is there, and how to bring it', async () => {
  const survey = async (name: string) => {
    const { stdout } = await contimg(['doctor', '--json'], { CONTIMG_SKY__SURVEY: name });
    return JSON.parse(stdout).data.findings.find((finding: { name: string }) => finding.name === 'sky survey');
  };
  expect(await survey('racs-low')).toMatchObject({ verdict: 'ok', fact: 'racs-low version 1, 3 sources' });
  expect(await survey('nvss')).toMatchObject({ verdict: 'fail', remedy: expect.stringContaining('contimg catalog import nvss FILE') });
}, 60_000);

test('sources of a survey come out as a list to monitor, brightest first', async () => {
  const { stdout } = await catalog('export', 'racs-low', '--dec', '50', '--within', '0.5');
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toBe('name,ra_deg,dec_deg,flux_jy,spectral_index');
  expect(lines.slice(1).map((line) => Number(line.split(',')[2]))).toEqual([50.4, 50]);
  const monitored = openForWriting(join(folder, 'monitored.sqlite3'), { role: 'import' });
  expect(importSources(monitored.database, { name: 'racs', csv: stdout, at: '2025-10-02T00:00:00Z' }).sources).toBe(2);
  monitored.close();
}, 60_000);

test('the calibrators of a strip reach the programs with their catalogue', async () => {
  const flags = Object.entries({ 'paths.state': state, 'paths.scratch': join(folder, 'scratch') });
  const { settings } = loadSettings({ flags: flags.map(([key, value]) => ({ key, value, name: key })) });
  const dependencies = { settings, openCatalog: () => openForReading(settings.paths.database) };
  const attempt = { groupId: '2025-10-02T00:05:18', runId: 'run', runNumber: 1, step: 'concat', attempt: 1 } as const;
  const read = `
import sys
from pathlib import Path
from contimg_science.imported_calibrators import read_imported
print([(entry.name, round(entry.ra_deg, 6), entry.flux_jy, entry.spectral_index, entry.catalogue) for entry in read_imported(Path(sys.argv[1]))])
`;
  const of = async (decDeg: number): Promise<string> => python(read, await writeCalibrators(dependencies, attempt, decDeg)).trim();
  expect(await of(50.5)).toBe("[('J0000+504', 0.02, 8.0, None, 'vla version 2'), ('J2359+510', 359.9, 0.6, None, 'vla version 2')]");
  expect(await of(30)).toBe('[]');
}, 30_000);

test.each([
  [['import', 'vla', 'vla.txt', '--verify', '0'.repeat(64)], 2, /has the sha256 .*nothing was imported/s],
  [['import', 'nvss', 'vla.txt'], 2, /no column for the right ascension: wanted RAJ2000/],
  [['import', 'racs', 'racs-low.xml'], 64, /racs-low \(887.5 MHz\)/],
  [['import', 'mine', 'vla.txt'], 64, /"mine" is no format/],
  [['import', 'vla', 'nowhere.txt'], 2, /no such file/],
  [['import', 'vla', 'vla.txt', '--verify', 'abc'], 64, /64 hexadecimal/],
  [['export', 'mine', '--dec', '54'], 2, /mine was not imported.*contimg catalog import mine FILE/s],
  [['export', 'vla', '--dec', 'north'], 64, /--dec takes a number, not "north"/],
])(
  '%j is refused with exit code %i and what to do',
  async (args, exitCode, says) => {
    const before = imports();
    const { code, stdout, stderr } = await catalog(...args.map((word) => (/\.(txt|xml)$/.test(word) ? file(word) : word)));
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(says);
    expect(imports()).toEqual(before);
  },
  60_000,
);
