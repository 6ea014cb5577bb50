/** What decides is pure: the workflows become one bundle, and reaching for files, processes or the network breaks it. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const root = resolve(import.meta.dirname, '..', '..');

/** Null when it bundles, else what the bundler says is wrong. */
async function faultOf(workflowsPath: string): Promise<string | null> {
  const said: string[] = [];
  try {
    await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR', ({ message }) => said.push(message)) });
    return null;
  } catch (error) {
    return [...said, String(error)].join('\n');
  }
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-bundle-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the workflows make one bundle', async () => {
  expect(await faultOf(join(root, 'workflows', 'index.ts'))).toBeNull();
});

test('a workflow anywhere makes a bundle when it reaches for nothing', async () => {
  const path = join(folder, 'pure.ts');
  writeFileSync(path, 'export const pure = async () => 1;');
  expect(await faultOf(path)).toBeNull();
});

test.each([
  ['a file', `import { readFileSync } from 'node:fs';\nexport const leak = async () => readFileSync('/etc/hostname', 'utf8');`, 'node:fs'],
  [
    'a process, by its bare name',
    `import { spawn } from 'child_process';\nexport const leak = async () => spawn('true');`,
    'child_process',
  ],
  ['the clock of the machine', `import { hrtime } from 'node:process';\nexport const leak = async () => hrtime();`, 'node:process'],
  [
    'an activity itself instead of its type',
    `import { hashFolder } from '${join(root, 'activities', 'publish.ts')}';\nexport const leak = async () => hashFolder('.');`,
    'node:fs/promises',
  ],
])('a workflow that reaches for %s makes none', async (_, source, named) => {
  const path = join(folder, `${named.replaceAll(/\W/g, '-')}.ts`);
  writeFileSync(path, source);
  expect(await faultOf(path)).toMatch(new RegExp(`ERROR in ${named}\\n|disallowed modules:\\n  - '${named}'`));
});
