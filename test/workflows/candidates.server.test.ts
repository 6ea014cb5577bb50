/** A person's word on a candidate with a real worker and the command line: written once, with an audit entry, or not at all. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { openForWriting } from '../../src/catalog/database.ts';
import { recordImage } from '../catalog/images-of-a-field.ts';
import { importGrid } from '../catalog/night.ts';
import { OneHost } from './one-host.ts';

const main = join(resolve(import.meta.dirname, '..', '..'), 'src', 'cli', 'main.ts');

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create();
  await host.startWorker();
  const { database, close } = openForWriting(host.settings.paths.database, { role: 'watch' });
  importGrid(database, 2);
  for (const [day, fluxesJy] of [
    [1, 1],
    [1, 1],
    [2, 1],
  ].entries())
    recordImage(database, { day, scale: 1, fluxesJy });
  close();
}, 60_000);
afterAll(() => host.stop(), 30_000);

const candidates = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((answer) => {
    execFile(process.execPath, [main, 'candidates', ...args, '--config', host.config], (error, stdout, stderr) => {
      answer({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

test('the source that doubled is listed, with what to do next, and judged through the writer', async () => {
  expect((await candidates('ls')).stdout).toMatch(/\n1 +S1 +new +\d+\.\d +(rise|scatter) .*\n\nlook: contimg lightcurve S1\njudge: /);
  const { code, stdout } = await candidates('set', '1', 'confirmed', '--reason', 'doubled between two clean images', '--json');
  expect([code, JSON.parse(stdout).data.candidate]).toMatchObject([0, { status: 'confirmed', note: 'doubled between two clean images' }]);
  expect(host.read('SELECT verb, target, via, detail FROM audit')).toEqual([
    { verb: 'judge', target: 'candidate/1', via: 'cli', detail: '{"before":"new","after":"confirmed"}' },
  ]);
  expect((await candidates('ls', '--status', 'new')).stdout).toBe('no candidates\n');
}, 60_000);

test.each([
  [['set', '9', 'confirmed', '--reason', 'there is no such one'], 13, /there is no candidate 9/],
  [['set', '1', 'maybe', '--reason', 'not sure about this'], 64, /no status "maybe"/],
  [['set', '1', 'rejected', '--reason', 'short'], 64, /8 to 500 characters/],
])(
  '%j is refused',
  async (args, exitCode, says) => {
    expect(await candidates(...args)).toMatchObject({ code: exitCode, stderr: expect.stringMatching(says) });
  },
  30_000,
);
