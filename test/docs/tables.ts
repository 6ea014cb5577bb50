/**
 * The tables of the reference pages that say what the code says: made from the schemas, compared by docs.test.ts, and
 * written into the pages with `UPDATE_DOCS=1`. Nothing here reads or writes a file.
 */
import { EXIT } from '../../src/cli/exit-codes.ts';
import { STREAM_OPTIONS, type StreamOption } from '../../src/cli/stream-options.ts';
import { environmentName } from '../../src/config/environment.ts';
import { SETTING_LEAVES, outsideKey } from '../../src/config/keys.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { FAILURE_TYPES, isRetryable } from '../../src/domain/failure.ts';
import { REJECTION_CODES, rejection } from '../../src/ingest/rejection.ts';

/** Defaults that follow from the machine the pages are made on. */
const OF_THE_MACHINE: Readonly<Record<string, string>> = {
  'worker.hostName': "the machine's name",
  'worker.ompThreads': '4, or as many as there are cores',
};

const row = (...cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (header: readonly string[], rows: readonly string[]): string =>
  [row(...header), row(...header.map(() => '---')), ...rows].join('\n');
const code = (text: string): string => `\`${text}\``;

const isStepParameter = (key: string): boolean => key.startsWith('steps.');

export const settingsTable = (): string =>
  table(
    ['key', 'default', 'means'],
    [...SETTING_LEAVES].filter(([key]) => !isStepParameter(key)).map(([key, schema]) => settingRow(key, schema.description)),
  );

export const stepParametersTable = (): string =>
  table(
    ['key', 'default', 'means'],
    [...SETTING_LEAVES].filter(([key]) => isStepParameter(key)).map(([key, schema]) => settingRow(key, schema.description)),
  );

const settingRow = (key: string, meaning: string | undefined): string => row(code(outsideKey(key)), defaultOf(key), meaning ?? '');

const defaults: unknown = settingsSchema.parse({});

function defaultOf(key: string): string {
  const ofMachine = OF_THE_MACHINE[key];
  if (ofMachine !== undefined) return ofMachine;
  const value = key.split('.').reduce((place: unknown, name) => Reflect.get(Object(place), name), defaults);
  if (value === undefined) return '–';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export const optionsTable = (): string =>
  table(
    ['option', 'does', 'setting'],
    STREAM_OPTIONS.map((option) => row(code(option.flags), option.does, effectOf(option))),
  );

export const refusalsTable = (): string =>
  table(
    ['word', 'what to do', 'tried again at first'],
    REJECTION_CODES.map((name) => {
      const { remedy, mayBeHalfWritten } = rejection(name, '');
      return row(code(name), remedy, mayBeHalfWritten ? 'yes' : '');
    }),
  );

/** A value each kind of option takes. */
const SAMPLES: readonly (string | boolean)[] = ['5', 'info', true];

function effectOf(option: StreamOption): string {
  if ('refusal' in option) return `refused: ${option.refusal.detail}`;
  if ('says' in option) return `${option.says.kind}: ${option.says.text}`;
  const takesValue = option.flags.includes('<');
  for (const sample of SAMPLES.filter((value) => (typeof value === 'string') === takesValue)) {
    const settings = settingsFor(option, sample);
    if (settings === null) continue;
    return Object.entries(settings)
      .map(([key, value]) => code(takesValue ? outsideKey(key) : `${outsideKey(key)} = ${String(value)}`))
      .join(' ');
  }
  throw new Error(`no sample value suits ${option.flags}`);
}

function settingsFor(option: Extract<StreamOption, { sets: unknown }>, sample: string | boolean): Readonly<Record<string, unknown>> | null {
  try {
    return option.sets(sample);
  } catch (error) {
    if (error instanceof Error && error.name === 'CommandError') return null; // this option takes another kind of value
    throw error;
  }
}

export const exitCodes = (): readonly number[] => Object.values(EXIT);

export const failureTypes = (): string[] => FAILURE_TYPES.map((type) => `${type} ${isRetryable(type) ? 'retried' : 'parks at once'}`);

/** One example in the words of the environment, so that the rule on the page is the rule of the code. */
export const exampleEnvironmentName = (): string => environmentName('watch.pollS');
