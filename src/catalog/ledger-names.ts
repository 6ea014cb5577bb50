/**
 * Files that are on disk and in no group: gathered by the time in their names into the groups they probably are, so that
 * nothing that was seen is without a row. A name is a hint: such a row says so, and a header takes it over.
 */
import { z } from 'zod';
import { secondTextFromUnixMs, unixMsFromSecondText } from '../domain/utc.ts';
import { type LedgerRow, changeOutcome, ledgerRow, ledgerTime, tellChange } from './ledger.ts';
import { type CatalogDatabase, rowsOf, runSql } from './statement.ts';

/** Widest spread of names within one real group, plus a little; groups begin 295 s apart or more. */
const NAME_SPREAD_MS = 120_000;

const fileRow = z.object({ name_time_text: z.string(), status: z.enum(['settling', 'invalid']), reason: z.string().nullable() });
type UnplacedFile = z.infer<typeof fileRow> & { nameMs: number };

export function nameFilesWithoutGroup(database: CatalogDatabase, look: { cadenceMs: number; at: string }): void {
  for (const files of clusters(unplacedFiles(database))) {
    const startMs = files[Math.floor((files.length - 1) / 2)]?.nameMs ?? 0;
    const row = nearestRow(database, startMs, look.cadenceMs / 2);
    if (row === null) openNamed(database, startMs, files, look);
    else if (row.group_id === null) takeAsNamed(database, row, files, look.at);
  }
}

function unplacedFiles(database: CatalogDatabase): UnplacedFile[] {
  const rows = rowsOf(
    database,
    fileRow,
    `SELECT name_time_text, status, reason FROM subband_files
     WHERE group_id IS NULL AND shown_with_group_id IS NULL AND status IN ('settling', 'invalid') AND name_time_text IS NOT NULL
     ORDER BY name_time_text`,
  );
  return rows.flatMap((row) => {
    const nameMs = unixMsFromSecondText(row.name_time_text);
    return nameMs === null ? [] : [{ ...row, nameMs }];
  });
}

function clusters(files: readonly UnplacedFile[]): UnplacedFile[][] {
  const gathered: UnplacedFile[][] = [];
  for (const file of files) {
    const current = gathered.at(-1);
    const first = current?.[0];
    if (current === undefined || first === undefined || file.nameMs - first.nameMs > NAME_SPREAD_MS) gathered.push([file]);
    else current.push(file);
  }
  return gathered;
}

function nearestRow(database: CatalogDatabase, startMs: number, halfMs: number): LedgerRow | null {
  const near = rowsOf(database, ledgerRow, 'SELECT * FROM ledger WHERE range_end_at IS NULL AND expected_at BETWEEN :from AND :to', {
    from: ledgerTime(startMs - halfMs),
    to: ledgerTime(startMs + halfMs),
  });
  const distance = (row: LedgerRow): number => Math.abs(Date.parse(row.expected_at) - startMs);
  return near.toSorted((one, other) => distance(one) - distance(other))[0] ?? null;
}

function openNamed(
  database: CatalogDatabase,
  startMs: number,
  files: readonly UnplacedFile[],
  look: { cadenceMs: number; at: string },
): void {
  const { lastInsertRowid } = runSql(
    database,
    `INSERT INTO ledger (expected_at, expected_from, within_s, outcome, reason, unjudged_since, updated_at)
     VALUES (:expectedAt, 'name', :withinS, 'pending', :reason, :at, :at)`,
    { expectedAt: `${secondTextFromUnixMs(startMs)}Z`, withinS: look.cadenceMs / 2000, reason: inWords(files), at: look.at },
  );
  tellChange(database, { id: Number(lastInsertRowid), groupId: null, outcome: 'pending', at: look.at });
}

function takeAsNamed(database: CatalogDatabase, row: LedgerRow, files: readonly UnplacedFile[], at: string): void {
  if (row.expected_from === 'name') return changeOutcome(database, row, { outcome: row.outcome, reason: inWords(files), at });
  runSql(database, `UPDATE ledger SET expected_from = 'name', unjudged_since = :at WHERE id = :id`, { id: row.id, at });
  changeOutcome(database, row, { outcome: 'pending', reason: inWords(files), at });
}

/** `3 files by their names, none admitted: Truncated 2, settling 1`. */
function inWords(files: readonly UnplacedFile[]): string {
  const counts = new Map<string, number>();
  for (const { status, reason } of files) {
    const word = status === 'settling' ? 'settling' : (reason?.split(':')[0] ?? 'invalid');
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const causes = [...counts].map(([word, count]) => `${word} ${count}`).join(', ');
  return `${files.length} ${files.length === 1 ? 'file' : 'files'} by name, none admitted: ${causes}`;
}
