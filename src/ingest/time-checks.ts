/**
 * Times of a file: the step of the correlator, a year in which it could have run, and a clock that agrees with the name.
 */
import { isoFromUnixMs, jdToUnixMs, unixMsFromSecondText } from '../domain/utc.ts';
import type { RawHeader } from './raw-header.ts';
import { isConstant } from './rectangle.ts';
import { refuse } from './rejection.ts';

/** 96 samples of 0.134217728 s. */
const NOMINAL_INTEGRATION_S = 12.884901888;
const INTEGRATION_TOLERANCE = 0.01;
/** A Julian date resolves 40 µs; 1 ms of time is 15 mas of sky. */
const STEP_TOLERANCE_S = 1e-3;
const DAY_S = 86_400;
const YEAR_2015_JD = 2_457_023.5;
const YEAR_2101_JD = 2_488_434.5;
/** A file is opened before its data flow, longest after a restart; data never precede it by more than a late copy of a name. */
const T0_BEFORE_NAME_S = 600;
const T0_AFTER_NAME_S = 3600;

export function integrationSeconds(header: RawHeader, timesJd: Float64Array): number {
  const zero = header.timeJd.indexOf(0);
  if (zero >= 0) refuse('BadTimes', `time_array[${zero}] = 0: not written yet`, true);
  const integrationS = header.integrationS[0] ?? Number.NaN;
  const rows = header.integrationS.length;
  if (rows !== 1 && rows !== header.timeJd.length)
    refuse('BadShape', `integration_time has ${rows} rows, time_array ${header.timeJd.length}`);
  const lengths = isConstant(header.integrationS) ? header.integrationS.subarray(0, 1) : header.integrationS;
  const odd = lengths.findIndex((value) => !(Math.abs(value / NOMINAL_INTEGRATION_S - 1) <= INTEGRATION_TOLERANCE));
  if (odd >= 0) refuse('BadTimes', `integration_time[${odd}] = ${lengths[odd]} s, expected ${NOMINAL_INTEGRATION_S} s within 1 %`);
  timesJd.forEach((time, k) => {
    if (!(time >= YEAR_2015_JD && time < YEAR_2101_JD)) {
      refuse('BadTimes', `time_array[${k}] = ${Number.isFinite(time) ? textOfJd(time) : time}, outside 2015…2100`);
    }
    const stepS = k === 0 ? integrationS : (time - (timesJd[k - 1] ?? Number.NaN)) * DAY_S;
    if (!(Math.abs(stepS - integrationS) <= STEP_TOLERANCE_S)) {
      refuse(
        'BadTimes',
        `integration ${k} comes ${stepS.toFixed(4)} s after the one before, integration_time is ${integrationS.toFixed(4)} s`,
      );
    }
  });
  return integrationS;
}

export function checkClock(t0Jd: number, nameTimeText: string): void {
  const nameMs = unixMsFromSecondText(nameTimeText);
  if (nameMs === null) throw new RangeError(`not a name time: ${nameTimeText}`);
  const afterNameS = (jdToUnixMs(t0Jd) - nameMs) / 1000;
  if (afterNameS < -T0_BEFORE_NAME_S || afterNameS > T0_AFTER_NAME_S) {
    refuse('ImplausibleClock', `the name says ${nameTimeText}, the header ${textOfJd(t0Jd)}`);
  }
}

function textOfJd(jd: number): string {
  const unixMs = jdToUnixMs(jd);
  return Math.abs(unixMs) < 8.64e15 ? isoFromUnixMs(unixMs) : `JD ${jd}`;
}
