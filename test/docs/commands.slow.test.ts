/** Each line of a `console` block in the documentation is run and prints what the page says. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openForWriting } from '../../src/catalog/database.ts';
import { writeNight } from '../api/night.ts';
import { consoleRunsOf, firstMissing } from './markdown.ts';
import { PAGES, ROOT, textOf } from './pages.ts';

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

  test('the pages show lines to run', () => expect(pages.flatMap(({ runs }) => runs).length).toBeGreaterThan(10));

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
