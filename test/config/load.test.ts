/** Settings in layers, from real files and a real environment map. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationFile } from '../../src/config/configuration-file.ts';
import { configDigestOf, groupPolicyOf } from '../../src/config/group-policy.ts';
import { environmentName } from '../../src/config/environment.ts';
import { SETTING_LEAVES } from '../../src/config/keys.ts';
import { loadSettings } from '../../src/config/load.ts';
import { snakeCased } from '../../src/domain/spelling.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const fileWith = (text: string): string => {
  const file = join(folder, 'contimg.yaml');
  writeFileSync(file, text);
  return file;
};

describe('layers', () => {
  test('a flag wins over the environment, the environment over the file, the file over the default', () => {
    const file = fileWith('watch: { poll_s: 2, rescan_s: 20, settle_s: 4 }');
    const { settings, origins } = loadSettings({
      file,
      env: { CONTIMG_WATCH__POLL_S: '3', CONTIMG_WATCH__RESCAN_S: '30' },
      flags: [{ key: 'watch.pollS', value: 9, name: '--poll-interval' }],
    });
    expect(settings.watch).toMatchObject({ pollS: 9, rescanS: 30, settleS: 4, admissionS: 600 });
    expect(origins).toMatchObject({
      'watch.pollS': 'flag --poll-interval',
      'watch.rescanS': 'environment CONTIMG_WATCH__RESCAN_S',
      'watch.settleS': `file ${file}`,
      'watch.admissionS': 'default',
    });
  });

  test('settings written out and read again are the same settings', () => {
    const first = loadSettings({ env: { CONTIMG_INPUT_DIR: '/raw', CONTIMG_STEPS__IMAGE__NITER: '17' } }).settings;
    const file = join(folder, 'settings.json');
    writeFileSync(file, JSON.stringify(snakeCased(first)));
    expect(loadSettings({ file }).settings).toEqual(first);
  });

  test('every key can be set from the environment', () => {
    const names = [...SETTING_LEAVES.keys()].map(environmentName);
    expect(new Set(names).size).toBe(SETTING_LEAVES.size);
    expect(names).toContain('CONTIMG_COLLECTING__ON_DEADLINE');
  });
});

describe('the configuration file', () => {
  test('is the one named, else that of the variable, else the first contimg.yaml of the working directory and the machine', () => {
    const machine = join(folder, 'machine');
    mkdirSync(machine);
    const find = (given?: string, env = {}): string | undefined => configurationFile(given, env, [folder, machine]).file;
    expect(find()).toBeUndefined();
    writeFileSync(join(machine, 'contimg.yaml'), '');
    expect(find()).toBe(join(machine, 'contimg.yaml'));
    const here = fileWith('');
    expect(find()).toBe(here);
    expect(find(undefined, { CONTIMG_CONFIG: '/other.yaml' })).toBe('/other.yaml');
    expect(find('/named.yaml', { CONTIMG_CONFIG: '/other.yaml' })).toBe('/named.yaml');
  });
});

describe('paths', () => {
  test('scratch and database follow output and state unless they are named', () => {
    const { settings, origins } = loadSettings({ env: { CONTIMG_OUTPUT_DIR: '/products', CONTIMG_STATE_DIR: '/var/state' } });
    expect(settings.paths).toMatchObject({ scratch: '/products/.work', database: '/var/state/db/pipeline.sqlite3' });
    expect(origins['paths.scratch']).toBe('derived');
    expect(loadSettings({ env: { PIPELINE_DB: '/elsewhere.sqlite3' } }).settings.paths.database).toBe('/elsewhere.sqlite3');
  });

  test('a relative path is read from the working directory, in a file from the folder of the file', () => {
    const file = fileWith('paths: { output: products }');
    const { settings } = loadSettings({ file, env: { CONTIMG_INPUT_DIR: 'raw' }, workingDirectory: '/base/here' });
    expect(settings.paths).toMatchObject({ output: join(folder, 'products'), input: '/base/here/raw' });
  });
});

describe('what is wrong is named, with what would be right', () => {
  test.each([
    [{ env: { CONTIMG_WACH__POLL_S: '2' } }, 'CONTIMG_WACH__POLL_S is not a setting', 'did you mean CONTIMG_WATCH__POLL_S?'],
    [{ env: { CONTIMG_INPUTDIR: '/x' } }, 'CONTIMG_INPUTDIR is not a setting', 'did you mean CONTIMG_INPUT_DIR?'],
    [{ env: { CONTIMG_API__PORT: 'many' } }, /^api\.port: .* \(from environment CONTIMG_API__PORT\)$/, 'correct api.port'],
    [{ env: { CONTIMG_WORKER__HOST_NAME: 'a b' } }, /a host name has letters/, 'correct worker.host_name'],
  ])('%j', (layers, message, remedy) => {
    expect(() => loadSettings(layers)).toThrow(expect.objectContaining({ remedy, message: expect.stringMatching(message) }));
  });

  test('an unknown key of a file', () => {
    const file = fileWith('collecting: { minimun: 12 }');
    expect(() => loadSettings({ file })).toThrow(expect.objectContaining({ remedy: 'did you mean collecting.minimum?' }));
  });
});

test('the policy of a group is the settings in milliseconds, and its digest changes with them', () => {
  const plain = loadSettings({}).settings;
  const other = loadSettings({ env: { CONTIMG_COLLECTING__DEADLINE_S: '90', CONTIMG_ATTEMPT__MAX_RETRIES: '1' } }).settings;
  expect(groupPolicyOf(other)).toMatchObject({ collecting: { deadlineMs: 90_000 }, timing: { maxRetries: 1 } });
  expect(configDigestOf(other)).not.toBe(configDigestOf(plain));
  expect(configDigestOf(loadSettings({ env: { CONTIMG_API__PORT: '9999' } }).settings)).toBe(configDigestOf(plain));
});
