/** The CSV of catalogue sources near a place that science programs take: one line a source, nearest first, empty where unknown. */
import { type NearSource, sourcesNear } from '../src/catalog/sources.ts';
import type { HostDependencies } from './dependencies.ts';

const COLUMNS = {
  source_id: (source: NearSource) => source.sourceId,
  name: (source: NearSource) => JSON.stringify(source.name),
  ra_deg: (source: NearSource) => source.raDeg,
  dec_deg: (source: NearSource) => source.decDeg,
  flux_jy: (source: NearSource) => source.fluxJy ?? '',
  spectral_index: (source: NearSource) => source.spectralIndex ?? '',
};

export function sourcePositionsCsv(
  { openCatalog }: Pick<HostDependencies, 'openCatalog'>,
  cone: { raDeg: number; decDeg: number; radiusDeg: number },
): string {
  const database = openCatalog();
  try {
    const lines = sourcesNear(database, cone).map((source) =>
      Object.values(COLUMNS)
        .map((value) => value(source))
        .join(','),
    );
    return `${[Object.keys(COLUMNS).join(','), ...lines].join('\n')}\n`;
  } finally {
    database.close();
  }
}
