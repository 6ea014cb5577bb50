/**
 * Stands where the science interpreter stands when the science is not the point of a test: a real process with the real
 * protocol that makes small files in milliseconds. Called as `quick-science.ts FOLDER -m contimg_science.STEP REQUEST`.
 * FOLDER steers it: `hold-STEP` and `hold-STEP-ROUND` make a step go on until the file is removed, `fail-STEP.json` and `fail-STEP-GROUP.json` make it fail,
 * `calibrator-GROUP` puts the calibrators it lists into a group, `poor-solutions` fails the gate of every calibration set but those it names,
 * `lost-flux` makes a canary fail, `good-already` makes self-calibration find nothing.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

interface Request {
  group_id: string;
  attempt_id: string;
  inputs: Record<string, unknown>;
  parameters: Record<string, unknown>;
  outputs: Record<string, string>;
}

/** How a step fails: always, the first `times`, or only while a parameter is above a limit. */
export interface PlannedFailure {
  type: string;
  code: string;
  times?: number;
  whenParameterAbove?: { name: string; limit: number };
}

/** Sets of this calibrator pass their gate all the same, once the group was flagged with this clip. */
export interface GoodTry {
  calibrator: string;
  madSigma: number;
}

const [folder, mode, moduleName, requestPath] = process.argv.slice(2);
// `-c SCRIPT`: the check that the science environment can be imported.
if (mode === '-c') {
  process.stdout.write('3.13.0\n');
  process.exit(0);
}
if (folder === undefined || moduleName === undefined || requestPath === undefined) throw new Error('usage: FOLDER -m MODULE REQUEST');
const step = moduleName.replace('contimg_science.', '');
const request: Request = JSON.parse(readFileSync(requestPath, 'utf8'));
const emit = (event: string, fields: object): boolean => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const calls = join(folder, 'calls.jsonl');
appendFileSync(
  calls,
  `${JSON.stringify({ step, groupId: request.group_id, pid: process.pid, attemptId: request.attempt_id, parameters: request.parameters, ms: request.inputs['ms'], beganMs: performance.timeOrigin })}\n`,
);

process.on('exit', () => {
  const lifetime = { groupId: request.group_id, step, seconds: performance.now() / 1000 };
  appendFileSync(join(folder, 'lifetimes.jsonl'), `${JSON.stringify(lifetime)}\n`);
});

const holds = [`hold-${step}`, `hold-${step}-${String(request.inputs['round'])}`].map((name) => join(folder, name));
while (holds.some((path) => existsSync(path))) {
  emit('progress', { fraction: 0.5, message: 'held' });
  await sleep(50);
}

const plannedFailure = readPlannedFailure();
if (plannedFailure !== null) {
  const { type, code } = plannedFailure;
  emit('failure', { type, code, message: `${step} was told to fail`, remedy: 'correct the parameter and resume', side_effects: 'scratch' });
  process.exit(1);
}
emit('result', { result: { ...answer(), timings_s: { work: 0.01 } }, resources: { wall_s: 0.01, cpu_s: 0.01, max_rss_bytes: 1e6 } });

function readPlannedFailure(): PlannedFailure | null {
  const ofGroup = join(folder ?? '', `fail-${step}-${request.group_id}.json`);
  const path = existsSync(ofGroup) ? ofGroup : join(folder ?? '', `fail-${step}.json`);
  if (!existsSync(path)) return null;
  const plan: PlannedFailure = JSON.parse(readFileSync(path, 'utf8'));
  if (plan.whenParameterAbove !== undefined) {
    return Number(request.parameters[plan.whenParameterAbove.name]) > plan.whenParameterAbove.limit ? plan : null;
  }
  if (plan.times === undefined) return plan;
  if (plan.times === 0) return null;
  writeFileSync(path, JSON.stringify({ ...plan, times: plan.times - 1 }));
  return plan;
}

function made(path: string | undefined, text: string): string {
  if (path === undefined) throw new Error(`the request of ${step} names no such output`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function lastFlagParameters(): Record<string, unknown> {
  const earlier: { step: string; groupId: string; parameters: Record<string, unknown> }[] = readFileSync(calls, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return earlier.findLast((call) => call.groupId === request.group_id && call.step === 'flag')?.parameters ?? {};
}

function passesGate(calibrator: string): boolean {
  const path = join(folder ?? '', 'poor-solutions');
  if (!existsSync(path)) return true;
  const good: GoodTry[] = JSON.parse(readFileSync(path, 'utf8'));
  return good.some((one) => one.calibrator === calibrator && one.madSigma === lastFlagParameters()['mad_sigma']);
}

function answer(): object {
  const { inputs, outputs, group_id } = request;
  switch (step) {
    case 'concat': {
      const members = inputs['members'] as { path: string; subband: number }[];
      const digests = members.map((member) => createHash('sha256').update(readFileSync(member.path)).digest('hex'));
      made(join(outputs['ms'] ?? '', 'table.dat'), digests.join('\n'));
      const present = members.map((member) => member.subband);
      const expected = Array.from({ length: Number(inputs['expected_subbands']) }, (_, subband) => subband);
      const mid = Number(inputs['t0_jd']) - 2_400_000.5 + 154 / 86_400;
      return {
        ms: outputs['ms'],
        rows: 7200,
        times: 24,
        baselines: 300,
        channels: 96,
        start_mjd: mid - 154 / 86_400,
        mid_mjd: mid,
        end_mjd: mid + 154 / 86_400,
        ra_deg: 88.5,
        dec_deg: 50.4,
        dec_apparent_deg: 50.5,
        subbands_present: present,
        missing: expected.filter((subband) => !present.includes(subband)).map((subband) => ({ subband, integrations: [] })),
        flagged_by_reason: { auto: 10 },
        flagged_fraction: 0.08,
        inputs: members.map((member, index) => ({
          ...member,
          bytes: readFileSync(member.path).length,
          sha256: digests[index],
          t0_jd: inputs['t0_jd'],
          dec_rad: inputs['dec_rad'],
          ntimes: 24,
        })),
        iers: 'test',
        software: { quick: '1' },
        content_digest: createHash('sha256').update(digests.join('\n')).digest('hex'),
        column_digests: {},
        bytes_read: 1000,
        bytes_written: 500,
      };
    }
    case 'validate': {
      const listed = join(folder ?? '', `calibrator-${group_id}`);
      const calibrators = existsSync(listed) ? (readFileSync(listed, 'utf8') || '3C147').split(',') : [];
      const calibrator = calibrators[0] ?? null;
      return {
        checks: [{ code: 'V01', passed: true, detail: 'rows' }],
        classification: {
          kind: calibrator === null ? 'science' : 'calibrator',
          calibrator,
          response: null,
          flux_jy: null,
          reason: 'by the test',
          candidates: calibrators.map((name) => ({ name, kind: 'primary', response: 1, flux_jy: 22 })),
        },
      };
    }
    case 'flag':
      made(outputs['statistics'], '{}');
      return { flagged_fraction: 0.09, flagged_by_reason: { clip: 5 }, dead_antennas: [], dead_receptors: [], flag_digest: 'f' };
    case 'solve': {
      const calibrator = String(inputs['calibrator']);
      const flagged = JSON.stringify(lastFlagParameters());
      const passed = passesGate(calibrator);
      const path = join(outputs['directory'] ?? '', 'bandpass.bcal');
      made(join(path, 'table.dat'), `${group_id} ${calibrator} ${flagged} ${JSON.stringify(request.parameters)}`);
      const mid = Date.parse(`${group_id}Z`) / 86_400_000 + 40_587;
      return {
        calibrator,
        flux_jy: 22,
        reference_antenna: 'DSA-104',
        tables: [{ type: 'BP', order: 1, path }],
        start_mjd: mid,
        mid_mjd: mid,
        end_mjd: mid,
        dec_deg: 50.5,
        qa: { median_snr: passed ? 100 : 2 },
        passed,
        reasons: passed ? [] : ['the median S/N is 2, at least 10 is asked for'],
      };
    }
    case 'calibrate':
      made(join(outputs['ms'] ?? '', 'table.dat'), 'calibrated');
      return {
        ms: outputs['ms'],
        rows: 7200,
        channels: 96,
        flagged_fraction: 0.1,
        antennas_without_solutions: [],
        sets_used: [{ id: '1', weight: 1 }],
      };
    case 'image': {
      const kinds = ['image', 'image_pb', 'residual', 'psf', 'model', 'beam', 'png', 'thumbnail'];
      const files = Object.fromEntries(
        kinds.map((kind) => [
          kind,
          made(
            join(outputs['directory'] ?? '', `${outputs['name']}-${kind}`),
            `${kind} ${JSON.stringify([inputs['calibration_set'], request.parameters])}`,
          ),
        ]),
      );
      return {
        files,
        beam_major_arcsec: 20,
        beam_minor_arcsec: 15,
        beam_pa_deg: 10,
        noise_jy: 0.001,
        peak_jy: 1,
        dynamic_range: 1000,
        centre_ra_deg: 88.5,
        centre_dec_deg: 50.4,
        width_px: 2000,
        cell_arcsec: 5,
        freq_hz: 1.405e9,
        bandwidth_hz: 1.875e8,
        mid_mjd: 60_000,
        qa: { verdict: 'pass', checks: [{ name: 'noise', value: 1, limit: 2, passed: true }] },
        wsclean: { version: 'none', command: [] },
      };
    }
    case 'selfcal': {
      const round = Number(inputs['round']);
      const kept = !existsSync(join(folder ?? '', 'good-already'));
      const quality = (noise_jy: number) => ({ noise_jy, flux_ratio: 1, flux_ratio_error: 0.01 });
      const found = { round, phase_rms_deg: 20 / round, amplitude_rms: 0, kept, reason: kept ? 'noise falls' : 'noise does not fall' };
      made(join(outputs['ms'] ?? '', 'table.dat'), `round ${round}`);
      return { ms: outputs['ms'], ...found, before: quality(0.004), after: quality(kept ? 0.004 / 2 ** round : 0.004) };
    }
    case 'inject': {
      for (const path of [join(outputs['ms'] ?? '', 'table.dat'), outputs['sources'], outputs['positions']]) made(path, 'synthetic');
      const place = { source_id: 1, name: 'canary-30', kind: 'steady', ra_deg: 88.6, dec_deg: 50.5, response: 0.9 };
      return { ms: outputs['ms'], sources: [{ ...place, catalogue_jy: 0.03, injected_jy: 0.03 }] };
    }
    case 'recover': {
      const measured = existsSync(join(folder ?? '', 'lost-flux')) ? 0.02 : 0.0301;
      const found = { source_id: 1, measured_jy: measured, error_jy: 0.001, before_jy: 0, snr: measured / 0.001, offset_arcsec: 0.3 };
      return { sources: [found], beam_major_arcsec: 20 };
    }
    case 'mosaic': {
      const members = inputs['members'] as { id: string; name: string; image: string }[];
      const refused = members.filter(({ name }) => existsSync(join(folder ?? '', `no-tile-${name}`)));
      const tiles = members.filter((member) => !refused.includes(member));
      const kinds = ['image', 'weight', 'noise', 'png', 'thumbnail'];
      const content = tiles.map(({ image }) => readFileSync(image, 'utf8')).join(' and ');
      const files = Object.fromEntries(
        kinds.map((kind) => [kind, made(join(outputs['directory'] ?? '', `${outputs['name']}-${kind}`), `${kind} of ${content}`)]),
      );
      return {
        files,
        tiles: tiles.map(({ id, name }) => ({ id, name, noise_jy: 0.001, weight_sum: 1e6 })),
        left_out: refused.map(({ id, name }) => ({ id, name, reason: 'the test refuses it' })),
        added: tiles.length,
        restarted_because: null,
        centre_ra_deg: 88.5,
        centre_dec_deg: 50.4,
        width_px: 3000,
        height_px: 2000,
        cell_arcsec: 5,
        area_deg2: 7,
        noise_jy: 0.001,
        best_noise_jy: 0.0005,
        beam_major_arcsec: 20,
        beam_minor_arcsec: 15,
        beam_pa_deg: 10,
        freq_hz: 1.405e9,
        start_mjd: 60_000,
        end_mjd: 60_000.04,
        qa: { verdict: 'pass', checks: [{ name: 'noise_over_expected', value: 1, limit: 1.3, passed: true }] },
        unchecked: [],
      };
    }
    case 'photometry':
      made(outputs['measurements'], '');
      return { measured: 0, upper_limits: 0, outside: 0, median_rms_jy: null, blind_found: 0, blind_note: null };
    default:
      throw new Error(`no such step: ${step}`);
  }
}
