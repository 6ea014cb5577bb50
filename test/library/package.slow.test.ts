/** A stranger's program imports the packed package: the example of the documentation, run and type-checked outside the checkout. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchFolder, ROOT } from '../cli/batch-folder.ts';

const PATH = `${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
const node = join(ROOT, 'node_modules', 'node', 'bin', 'node');
const [example = ''] = /(?<=```js\n)[\s\S]*?(?=```)/.exec(readFileSync(join(ROOT, 'docs', 'reference', 'library.md'), 'utf8')) ?? [];

let stranger: string;
beforeAll(() => {
  stranger = mkdtempSync(join(tmpdir(), 'contimg-stranger-'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', stranger], { cwd: ROOT, env: { ...process.env, PATH } });
  const [tarball = ''] = readdirSync(stranger);
  const modules = join(stranger, 'node_modules');
  mkdirSync(modules);
  execFileSync('tar', ['xzf', join(stranger, tarball), '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'contimg'));
  // What the package depends on is what the checkout has installed: nothing is fetched.
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const folders = new Set([...Object.keys(dependencies), '@types/node'].map((name) => name.split('/')[0] ?? name));
  for (const name of folders) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  writeFileSync(join(stranger, 'example.mjs'), example);
}, 120_000);
afterAll(() => rmSync(stranger, { recursive: true }));

test('the example of the documentation runs as it stands', async () => {
  const batch = new BatchFolder();
  await batch.addGroup('2025-10-02T00:05:18');
  const args = [batch.input, batch.output, batch.state, batch.env['CONTIMG_PATHS__PYTHON'] ?? ''];
  const said = execFileSync(node, ['example.mjs', ...args], { cwd: stranger, encoding: 'utf8' });
  batch.remove();
  expect(said.split('\n')).toEqual([
    '2025-10-02T00:05:18 converted as a science set',
    '2025-10-02T00:05:18 all files valid',
    '1 groups known',
    '',
  ]);
}, 60_000);

test('its declarations are found, and a wrong option is a type error', () => {
  const options = { strict: true, module: 'nodenext', target: 'es2023', noEmit: true, skipLibCheck: true, types: ['node'] };
  writeFileSync(join(stranger, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['right.mts', 'wrong.mts'] }));
  const use = (option: string): string =>
    `import { ConversionStage, type WorkerConfig } from 'contimg';\nconst config: WorkerConfig = { outputDir: '/data', ${option} };\nexport const stage: { validate(input: { hdf5Files: string[] }): Promise<string[]> } = new ConversionStage(config);\n`;
  writeFileSync(join(stranger, 'right.mts'), use('ompThreads: 2'));
  writeFileSync(join(stranger, 'wrong.mts'), use('ompThread: 2'));
  expect(faultsOf(['-p', stranger])).toEqual([expect.stringMatching(/^.*wrong\.mts\(2,\d+\): error TS2561/)]);
}, 60_000);

function faultsOf(args: string[]): string[] {
  try {
    execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), args, { encoding: 'utf8' });
    return [];
  } catch (error) {
    const said = typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : String(error);
    return said.split('\n').filter((line) => / error TS/.test(line));
  }
}
