/** The documentation against the repository: links lead somewhere, tables are the code's, printed commands work. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { openForWriting } from '../../src/catalog/database.ts';
import { writeNight } from '../api/night.ts';
import { anchorsOf, consoleRunsOf, firstMissing, hasGenerated, linksOf, withGenerated } from './markdown.ts';
import { exampleEnvironmentName, exitCodes, failureTypes, optionsTable, settingsTable, stepParametersTable } from './tables.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const PAGES = ['README.md', 'CONTRIBUTING.md', ...pagesBelow('docs')];
const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

function pagesBelow(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return entries.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

describe('links', () => {
  test.each(PAGES)('every link of %s inside the repository leads to a file and, where named, a heading', (page) => {
    const broken = linksOf(textOf(page)).filter((target) => !/^https?:/.test(target) && !leadsSomewhere(page, target));
    expect(broken).toEqual([]);
  });

  test('every page of docs can be reached from its index', () => {
    const index = linksOf(textOf('docs/README.md')).map((target) => join('docs', target));
    expect(PAGES.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md' && !index.includes(page))).toEqual([]);
  });
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
  if (relative(ROOT, file).startsWith('..') || !existsSync(file)) return false;
  return anchor === undefined || anchorsOf(readFileSync(file, 'utf8')).includes(anchor);
}

describe('tables', () => {
  test.each([
    ['docs/reference/cli.md', 'options', optionsTable],
    ['docs/reference/configuration.md', 'settings', settingsTable],
    ['docs/reference/configuration.md', 'step parameters', stepParametersTable],
  ])('%s says of %s what the code says (UPDATE_DOCS=1 writes it)', (page, name, table) => {
    const text = textOf(page);
    const wanted = withGenerated(text, name, table());
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(join(ROOT, page), wanted);
    expect(hasGenerated(text, name)).toBe(true);
    expect(textOf(page)).toBe(wanted);
  });

  test('every exit code has its meaning', () => {
    const cells = [...textOf('docs/reference/cli.md').matchAll(/\| (\d+) \| \S/g)].map(([, code]) => Number(code));
    expect(cells.sort((a, b) => a - b)).toEqual([...exitCodes()].sort((a, b) => a - b));
  });

  test('the runbook has a line for every type of failure and says which are tried again', () => {
    const text = textOf('docs/runbook/night.md');
    const retried = /Retried before they park: ([^(]+)\(/
      .exec(text.replaceAll('\n', ' '))?.[1]
      ?.split(', ')
      .map((name) => name.trim());
    const named = [...text.matchAll(/^\| ([A-Z]\w+) \| /gm)].map(([, type]) => type);
    // NoSpace is tried again for ever, outside the budget: it has its own line and no place in that list.
    const expected = failureTypes().filter((line) => !line.startsWith('NoSpace '));
    expect(expected).toEqual(
      expected.map((line) => line.split(' ')[0] ?? '').map((type) => `${type} ${retried?.includes(type) ? 'retried' : 'parks at once'}`),
    );
    expect(named).toEqual(expect.arrayContaining(failureTypes().map((line) => line.split(' ')[0])));
  });

  test('the rule for names of environment variables is the one of the code', () => {
    expect(textOf('docs/reference/configuration.md')).toContain(`\`watch.poll_s\` is \`${exampleEnvironmentName()}\``);
  });

  test('no page is longer than 200 lines', () => {
    const long = PAGES.filter(
      (page) =>
        textOf(page)
          .replace(/<!-- generated[\s\S]*?<!-- end -->/g, '')
          .split('\n').length > 201,
    );
    expect(long).toEqual([]);
  });
});

describe('commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'contimg-docs-'));
  const state = join(folder, 'state');
  /** The group that the pages show as waiting for a person. */
  const SHOWN_GROUP = '2025-10-05T12:34:56';
  const GROUP_MS = 12.885 * 24 * 1000;

  beforeAll(() => {
    mkdirSync(state, { recursive: true });
    const catalog = openForWriting(join(state, 'db', 'pipeline.sqlite3'), { role: 'catalog' });
    // The night's second group starts two groups before "now".
    const night = writeNight(catalog.database, join(folder, 'products'), Date.parse(`${SHOWN_GROUP}Z`) + 2 * GROUP_MS);
    catalog.close();
    if (night.needsAttention !== SHOWN_GROUP) throw new Error(`the pages show ${SHOWN_GROUP}, the night has ${night.needsAttention}`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const pages = PAGES.map((page) => ({ page, runs: consoleRunsOf(textOf(page)) })).filter(({ runs }) => runs.length > 0);
  /** Several pages show the same line; it is run once. */
  const ended = new Map<string, ReturnType<typeof shell>>();

  test('there are some', () => expect(pages.flatMap(({ runs }) => runs).length).toBeGreaterThan(10));

  // Lines of a page in their order, since one may need what the one before left; pages side by side.
  test.concurrent.each(pages)(
    'each line of $page works and prints what the page says',
    async ({ runs }) => {
      const wrong: object[] = [];
      for (const { command, expected } of runs) {
        const end = ended.get(command) ?? shell(command);
        ended.set(command, end);
        const { code, output } = await end;
        const missing = firstMissing(expected, output);
        if (code !== 0 || missing !== null) wrong.push({ command, code, missing, output: output.slice(0, 500) });
      }
      expect(wrong).toEqual([]);
    },
    60_000,
  );

  function shell(command: string): Promise<{ code: number; output: string }> {
    const path = `${join(ROOT, 'ops', 'bin')}:${process.env['PATH'] ?? ''}`;
    const env = { PATH: path, HOME: folder, CONTIMG_STATE_DIR: state };
    return new Promise((done) => {
      execFile('sh', ['-c', command], { cwd: ROOT, env, timeout: 30_000 }, (error, stdout, stderr) => {
        done({ code: error === null ? 0 : Number(error.code ?? -1), output: `${stdout}\n${stderr}` });
      });
    });
  }
});
