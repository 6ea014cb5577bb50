/**
 * Settings from environment variables: `CONTIMG_WATCH__POLL_S` is `watch.poll_s`; a few short names are kept from earlier
 * deployments. A `CONTIMG_` name that means nothing is refused with the nearest one that does.
 */
import { SETTING_LEAVES, insideKey, nearestName, outsideKey } from './keys.ts';
import { SettingsError } from './settings-error.ts';

/** Short name → key. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  CONTIMG_INPUT_DIR: 'paths.input',
  CONTIMG_OUTPUT_DIR: 'paths.output',
  CONTIMG_SCRATCH_DIR: 'paths.scratch',
  CONTIMG_STATE_DIR: 'paths.state',
  CONTIMG_QUEUE_DB: 'paths.database',
  PIPELINE_DB: 'paths.database',
  CONTIMG_API_PORT: 'api.port',
  CONTIMG_LOG_LEVEL: 'log.level',
};
/** Names that are read elsewhere: the configuration file itself, and where secrets lie. */
const NOT_SETTINGS = new Set(['CONTIMG_CONFIG', 'CONTIMG_TOKEN_FILE', 'CONTIMG_API_URL']);

export interface SettingSource {
  /** Dotted camelCase key. */
  key: string;
  value: unknown;
  /** The variable or flag, as the operator knows it. */
  name: string;
}

export const environmentName = (key: string): string => `CONTIMG_${outsideKey(key).replaceAll('.', '__').toUpperCase()}`;

export function settingsFromEnvironment(env: Readonly<Record<string, string | undefined>>): SettingSource[] {
  const longNames = new Map([...SETTING_LEAVES.keys()].map((key) => [environmentName(key), key]));
  const sources: SettingSource[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || NOT_SETTINGS.has(name)) continue;
    const key = SHORT_NAMES[name] ?? longNames.get(name);
    if (key !== undefined) {
      sources.push({ key, value: valueOfText(key, text), name });
    } else if (name.startsWith('CONTIMG_')) {
      const near = nearestName(name, [...Object.keys(SHORT_NAMES), ...longNames.keys()]);
      throw new SettingsError(
        `${name} is not a setting`,
        near === null ? 'docs/reference/configuration.md lists all names' : `did you mean ${near}?`,
      );
    }
  }
  return sources;
}

/** Text as the leaf takes it: as it stands, as JSON (numbers, booleans, lists), or as a comma-separated list. */
export function valueOfText(key: string, text: string): unknown {
  const schema = SETTING_LEAVES.get(insideKey(key));
  if (schema === undefined || schema.safeParse(text).success) return text;
  const readings: unknown[] = [readJson(text), text.toLowerCase(), text.split(',').map((part) => part.trim())];
  return readings.find((reading) => schema.safeParse(reading).success) ?? text;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
