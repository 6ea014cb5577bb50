/** The documentation against the repository: links lead somewhere, tables are the code's. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { anchorsOf, hasGenerated, linksOf, withGenerated } from './markdown.ts';
import { PAGES, ROOT, textOf } from './pages.ts';
import {
  exampleEnvironmentName,
  exitCodes,
  failureTypes,
  optionsTable,
  refusalsTable,
  settingsTable,
  stepParametersTable,
} from './tables.ts';

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
    ['docs/reference/raw-files.md', 'refusals', refusalsTable],
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
