/** The end of the demo: injected against measured, groups and their outcomes, keep-up, addresses; and whether all is well. */
import { join } from 'node:path';
import { median } from '../../src/domain/median.ts';
import type { DemoApi, LightCurve } from './demo-api.ts';
import type { DemoPorts } from './demo-settings.ts';
import { accountFor } from './outcomes.ts';
import type { Truth } from './truth.ts';

/** Steady sources brighter than this many times the noise must come back within the tolerance. */
const BRIGHT_SNR = 50;
const FLUX_TOLERANCE = 0.03;

interface SourceComparison {
  name: string;
  injectedJy: number[];
  measuredJy: number;
  ratio: number;
  snr: number;
  points: number;
  varies: boolean;
  foundVariable: boolean;
  ok: boolean;
}

export async function printReport(night: {
  truth: Truth;
  api: DemoApi;
  folder: string;
  ports: DemoPorts;
  elapsedS: number;
}): Promise<boolean> {
  const { truth, api, ports } = night;
  const groups = accountFor(truth, await api.groups());
  console.log('\ngroup                kind        outcome        files           degraded');
  for (const group of groups) {
    console.log(`${group.groupId}  ${group.kind.padEnd(10)}  ${group.state.padEnd(13)}  ${group.fault.padEnd(14)}  ${group.degraded}`);
  }

  const sources = compare(truth, await api.lightCurves());
  console.log('\nsource    injected Jy     measured Jy  ratio   SNR    points  verdict');
  for (const source of sources) {
    const injected = [...new Set(source.injectedJy.map((flux) => flux.toFixed(3)))].join(' → ');
    const found = source.foundVariable ? 'VARIABLE' : 'steady';
    console.log(
      `${source.name.padEnd(8)}  ${injected.padEnd(14)}  ${source.measuredJy.toFixed(3).padStart(11)}  ${source.ratio.toFixed(3)}  ${source.snr.toFixed(0).padStart(5)}  ${String(source.points).padStart(6)}  ${found}${source.ok ? '' : '   ← not as injected'}`,
    );
  }

  const status = await api.status();
  const allAccounted = groups.every((group) => group.settled && group.state === 'completed');
  const allCameBack = sources.length > 0 && sources.every((source) => source.ok);
  console.log(
    `\n${groups.length} groups in ${night.elapsedS} s; real-time factor ${status?.realtime_factor?.toFixed(1) ?? 'not measured'} (above 1 keeps up)`,
  );
  console.log(`dashboard   ${api.base}/`);
  console.log(`Temporal    http://127.0.0.1:${ports.ui}/`);
  console.log(`health      http://127.0.0.1:${ports.health}/health`);
  console.log(`database    ${join(night.folder, 'state', 'db', 'pipeline.sqlite3')}`);
  console.log(allAccounted && allCameBack ? '\nall that was injected came back' : '\nNOT all that was injected came back');
  return allAccounted && allCameBack;
}

function compare(truth: Truth, curves: readonly LightCurve[]): SourceComparison[] {
  return curves.flatMap((curve) => {
    const injected = truth.sources.find((source) => source.name === curve.source.name);
    const good = curve.points.filter((point) => !point.superseded);
    if (injected === undefined || good.length === 0) return [];
    const truthJy = good.map((point) => injectedAt(truth, injected.name, point.mjd));
    const ratio = medianOf(good.map((point, index) => point.flux_jy / (truthJy[index] ?? Number.NaN)));
    const snr = medianOf(good.map((point) => point.snr));
    const varies = injected.light_curve.kind !== 'steady';
    const fluxOk = snr <= BRIGHT_SNR || Math.abs(ratio - 1) <= FLUX_TOLERANCE;
    return {
      name: injected.name,
      injectedJy: truthJy,
      measuredJy: medianOf(good.map((point) => point.flux_jy)),
      ratio,
      snr,
      points: good.length,
      varies,
      foundVariable: curve.source.is_variable,
      ok: fluxOk && varies === curve.source.is_variable,
    };
  });
}

/** Band-averaged flux that the source had in the group observed at this time. */
function injectedAt(truth: Truth, name: string, mjd: number): number {
  const [nearest] = [...truth.groups].sort((a, b) => Math.abs(a.mid_mjd - mjd) - Math.abs(b.mid_mjd - mjd));
  return nearest?.sources.find((source) => source.name === name)?.band_flux_jy ?? Number.NaN;
}

const medianOf = (values: readonly number[]): number => median(values) ?? Number.NaN;
