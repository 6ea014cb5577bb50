/**
 * Metrics of the canary, read from its tables at each scrape. Ratios and offsets are those of the last run that measured
 * anything; failures count every run that did not pass, whether it measured something else or a step failed.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import { canaryMeasurements, failedCanaries, lastMeasuredCanary, listCanaries } from '../catalog/canaries.ts';
import type { CatalogDatabase } from '../catalog/database.ts';
import { fluxRatio } from '../domain/canary.ts';

export function createCanaryMetrics(registers: Registry[]): { refresh(database: CatalogDatabase, nowMs: number): void } {
  const ratio = new Gauge({
    name: 'contimg_canary_flux_ratio',
    help: 'recovered over injected flux of each synthetic source, last canary that measured',
    labelNames: ['source'],
    registers,
  });
  const offset = new Gauge({
    name: 'contimg_canary_position_offset_arcsec',
    help: 'distance of each synthetic source from where it was injected, last canary that measured',
    labelNames: ['source'],
    registers,
  });
  const age = new Gauge({ name: 'contimg_canary_age_seconds', help: 'since the last canary ended', labelNames: [], registers });
  const duration = new Gauge({ name: 'contimg_canary_duration_seconds', help: 'of the last canary', labelNames: ['verdict'], registers });
  const failures = new Counter({ name: 'contimg_canary_failures_total', help: 'canaries that did not pass', registers });

  return {
    refresh(database, nowMs) {
      // What was never measured is absent, not zero.
      for (const gauge of [ratio, offset, duration]) gauge.reset();
      age.remove();
      failures.reset();
      failures.inc(failedCanaries(database));
      const [last] = listCanaries(database, 1);
      if (last === undefined) return;
      const { started_at: startedAt, ended_at: endedAt, verdict } = last;
      age.set((nowMs - Date.parse(endedAt)) / 1000);
      duration.set({ verdict }, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000);
      const measured = lastMeasuredCanary(database);
      for (const row of measured === null ? [] : canaryMeasurements(database, measured)) {
        ratio.set({ source: row.name }, fluxRatio({ measuredJy: row.measured_jy, beforeJy: row.before_jy, injectedJy: row.injected_jy }));
        offset.set({ source: row.name }, row.offset_arcsec);
      }
    },
  };
}
