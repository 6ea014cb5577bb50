/** Defects of earlier pipelines around conversion that are absent by construction: the construction is what is tested. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FAILURE_TYPES, isRetryable } from '../../src/domain/failure.ts';
import { judgeName } from '../../src/domain/subband.ts';

const root = resolve(import.meta.dirname, '..', '..');
const sources = ['src', 'activities', 'workflows', 'science/contimg_science'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|py)$/.test(name))
    .map((name) => ({ name: join(folder, name), text: readFileSync(join(root, folder, name), 'utf8') })),
);

test.each(['.fuse_hidden0000002a00000001', '.nfs000000000001f3e400000002', '._2025-10-02T00:05:18_sb00.hdf5'])(
  'the hidden file %s of a file system is no data',
  (name) => expect(judgeName(name).kind).toBe('copy-in-progress'),
);

test('Measurement Sets and parts of them are never looked for by pattern: their paths are known', () => {
  expect(sources.length).toBeGreaterThan(200);
  const search = /glob\(f?["'`][^"'`]*\.ms\b|fnmatch\(.*\.ms\b|endsWith\('\.ms'\)|endswith\("\.ms"\)/;
  const searching = sources.filter(({ text }) => search.test(text));
  expect(searching.map(({ name }) => name)).toEqual([]);
});

test('whether a failure is tried again follows from its type, whatever its text says', () => {
  expect(FAILURE_TYPES.filter(isRetryable)).toEqual(['NotSettled', 'NoSpace', 'ToolFailed', 'ToolKilled', 'Timeout', 'HostLost']);
  const readsText = /(message|stderr)\.(includes|match|search|startsWith)\(|\.test\(\w*(message|stderr)\w*\)/;
  const deciding = sources.filter(({ name, text }) => /^(workflows|activities)\//.test(name) && readsText.test(text));
  expect(deciding.map(({ name }) => name)).toEqual([]);
});
