/** What the documentation tests read out of a Markdown page: links, headings, console blocks, generated parts. Pure. */

export interface ConsoleRun {
  command: string;
  /** Lines it must print, in this order; `…` stands for anything. */
  expected: string[];
}

const FENCE = /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm;

/** Text of a page without its code, so that a link in an example is not taken for one. */
const proseOf = (page: string): string => page.replace(FENCE, '').replace(/`[^`\n]*`/g, '');

export const linksOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].flatMap(([, target]) => (target === undefined ? [] : [target]));

/** Anchors as GitHub makes them from headings. */
export const anchorsOf = (page: string): string[] =>
  [...page.replace(FENCE, '').matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{Letter}\p{Number}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );

export function consoleRunsOf(page: string): ConsoleRun[] {
  const runs: ConsoleRun[] = [];
  for (const [, indent = '', language, body = ''] of page.matchAll(FENCE)) {
    if (language !== 'console') continue;
    for (const line of body.split('\n').map((text) => text.slice(indent.length))) {
      if (line.startsWith('$ ')) runs.push({ command: line.slice(2), expected: [] });
      else if (line.trim() !== '') runs.at(-1)?.expected.push(line);
    }
  }
  return runs;
}

/** The first expected line that the output does not hold after the ones before it, or null. */
export function firstMissing(expected: readonly string[], output: string): string | null {
  const lines = output.split('\n');
  let from = 0;
  for (const wanted of expected) {
    const pattern = new RegExp(`^${wanted.trimEnd().split('…').map(escaped).join('.*')}\\s*$`);
    const at = lines.findIndex((line, index) => index >= from && pattern.test(line));
    if (at < 0) return wanted;
    from = at + 1;
  }
  return null;
}

/** Runs of spaces differ with the width of a column. */
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +');

const generated = (name: string): RegExp => new RegExp(`(<!-- generated: ${name} -->\\n)[\\s\\S]*?(<!-- end -->)`);

export const hasGenerated = (page: string, name: string): boolean => generated(name).test(page);
export const withGenerated = (page: string, name: string, table: string): string =>
  page.replace(generated(name), (_, start: string, end: string) => `${start}${table}\n${end}`);
