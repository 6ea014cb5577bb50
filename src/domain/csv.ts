/** Comma-separated values with a header line, as every reader of CSV takes them. What is unknown is an empty cell. */
export type CsvCell = string | number | boolean | null;

const cellOf = (value: CsvCell): string => {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Each column makes its cell of a row. */
export function csvText<Row>(columns: Readonly<Record<string, (row: Row) => CsvCell>>, rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    Object.values(columns)
      .map((of) => cellOf(of(row)))
      .join(','),
  );
  return `${[Object.keys(columns).join(','), ...lines].join('\n')}\n`;
}
