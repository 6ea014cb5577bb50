/** The command line as people meet it: real processes, their output and exit codes. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../src/temporal/free-port.ts';

const BIN = resolve(import.meta.dirname, '..', '..', 'ops', 'bin');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function run(program: 'contimg' | 'dsa110-stream', args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolveRun) => {
    execFile(join(BIN, program), args, { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 30_000 }, (error, stdout, stderr) => {
      resolveRun({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('without arguments it shows its commands on stderr and calls that wrong usage', async () => {
  const { code, stdout, stderr } = await run('contimg', []);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toMatch(/Commands:[\s\S]*up[\s\S]*group/);
});

test.each([
  [['gruop', 'ls'], 'did you mean group?'],
  [['group', 'lss'], 'did you mean ls?'],
  [['up', '--inputdir', 'x'], 'did you mean --input-dir?'],
])('a typo %j is answered with the nearest name', async (args, suggestion) => {
  const { code, stderr } = await run('contimg', args);
  expect(code).toBe(64);
  expect(stderr).toContain(suggestion);
});

test('a mistyped option of dsa110-stream is answered with the nearest one', async () => {
  const { code, stderr } = await run('dsa110-stream', ['--chunk-durration', '5']);
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('did you mean --chunk-duration?') });
});

test('help names an example and exit codes, on stdout, and is no error', async () => {
  const { code, stdout } = await run('contimg', ['group', 'resume', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Example:[\s\S]*Exit codes:/);
});

test('with --json a refusal is one document with code, detail and remedy', async () => {
  const { code, stdout } = await run('contimg', ['group', 'ls', '--json', '--state-dir', folder]);
  expect(code).toBe(9);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    data: null,
    problem: { code: 'catalog_unavailable', detail: expect.stringContaining(folder), remedy: expect.stringContaining('contimg up') },
  });
});

test('a mistyped variable of the environment is refused with the nearest one', async () => {
  const { code, stderr } = await run('contimg', ['group', 'ls'], { CONTIMG_STATE_DIRR: folder });
  expect(code).toBe(64);
  expect(stderr).toContain('did you mean CONTIMG_STATE_DIR?');
});

const paths = (): string[] => [
  '--input-dir',
  join(folder, 'in'),
  '--output-dir',
  join(folder, 'out'),
  '--state-dir',
  join(folder, 'state'),
];

describe('the all-in-one process refuses to start', () => {
  test('without being told where data come from and go to', async () => {
    const { code, stderr } = await run('dsa110-stream', ['--state-dir', folder]);
    expect(code).toBe(64);
    expect(stderr).toContain('--input-dir and --output-dir are required');
  });

  test('when the input directory is not there', async () => {
    const { code, stderr } = await run('dsa110-stream', paths());
    expect(code).toBe(2);
    expect(stderr).toContain('does not exist');
  });

  test('when a port is taken, and names the holder without touching it', async () => {
    mkdirSync(join(folder, 'in'));
    const holder = createServer();
    const port = await freePort();
    await new Promise<void>((listening) => holder.listen(port, '127.0.0.1', listening));
    const ports = ['--temporal-port', String(await freePort()), '--ui-port', String(await freePort()), '--health-port', String(port)];
    const { code, stderr } = await run('dsa110-stream', [...paths(), ...ports]);
    expect(code).toBe(6);
    expect(stderr).toContain(`process ${process.pid}`);
    expect(holder.listening).toBe(true);
    await new Promise((closed) => holder.close(closed));
  });

  test('when the survey that its models need was never imported', async () => {
    mkdirSync(join(folder, 'in'), { recursive: true });
    const ports = [
      '--temporal-port',
      String(await freePort()),
      '--ui-port',
      String(await freePort()),
      '--health-port',
      String(await freePort()),
    ];
    const { code, stderr } = await run('dsa110-stream', [...paths(), ...ports], { CONTIMG_SKY__SURVEY: 'nvss' });
    expect(code).toBe(5);
    expect(stderr).toMatch(/the catalogue nvss was not imported.*contimg catalog import nvss FILE/s);
  }, 60_000);

  test('when it is told to leave subprocesses', async () => {
    const { code, stderr } = await run('dsa110-stream', [...paths(), '--no-use-subprocess']);
    expect(code).toBe(64);
    expect(stderr).toContain('always run as subprocesses');
  });
});
