/**
 * Channels of a file against those of the subband in its name: f(s,c) = 1530 MHz − (1024 + 384 s + n c + (n−1)/2)·δ, with
 * n = 384/Nfreqs fine channels a channel and δ = 250/8192 MHz. Subbands are never re-labelled here.
 */
import { SUBBANDS_PER_GROUP, subbandLabel } from '../domain/subband.ts';
import type { RawHeader } from './raw-header.ts';
import { refuse } from './rejection.ts';

const FINE_CHANNELS_PER_SUBBAND = 384;
const FIRST_FINE_CHANNEL = 1024;
const TOP_OF_BAND_HZ = 1530e6;
const FINE_CHANNEL_WIDTH_HZ = 250e6 / 8192;
const FREQUENCY_TOLERANCE_HZ = 1000;
const WIDTH_TOLERANCE_HZ = 1;

/** Channel centres of a subband, descending. */
export function subbandFrequenciesHz(subband: number, channels: number): number[] {
  const fine = FINE_CHANNELS_PER_SUBBAND / channels;
  const first = FIRST_FINE_CHANNEL + FINE_CHANNELS_PER_SUBBAND * subband;
  return Array.from({ length: channels }, (_, c) => TOP_OF_BAND_HZ - (first + fine * c + (fine - 1) / 2) * FINE_CHANNEL_WIDTH_HZ);
}

export function checkFrequencies(header: RawHeader, subband: number): void {
  const { freqHz, freqShape } = header;
  const channels = freqHz.length;
  if (!(freqShape.length === 1 || (freqShape.length === 2 && freqShape[0] === 1))) {
    refuse('BadShape', `freq_array has shape (${freqShape.join(', ')}), expected (1, ${channels}) or (${channels})`);
  }
  if (channels < 1 || FINE_CHANNELS_PER_SUBBAND % channels !== 0) {
    refuse('BadFrequencies', `${channels} channels do not divide the ${FINE_CHANNELS_PER_SUBBAND} fine channels of a subband`);
  }
  const widthHz = (FINE_CHANNELS_PER_SUBBAND / channels) * FINE_CHANNEL_WIDTH_HZ;
  // Writers differ in the sign of channel_width; the order of freq_array is what counts.
  const wrongWidth = header.channelWidthHz.find((width) => !(Math.abs(Math.abs(width) - widthHz) <= WIDTH_TOLERANCE_HZ));
  if (wrongWidth !== undefined) refuse('BadFrequencies', `channel_width is ${wrongWidth} Hz, expected ±${widthHz} Hz`);
  const descending = freqHz[0] !== undefined && freqHz[0] >= (freqHz[channels - 1] ?? 0) ? freqHz : freqHz.toReversed();
  if (isSubband(descending, subband)) return;
  const slot = Array.from({ length: SUBBANDS_PER_GROUP }, (_, other) => other).find((other) => isSubband(descending, other));
  const found =
    slot === undefined
      ? `channels start at ${((descending[0] ?? Number.NaN) / 1e6).toFixed(6)} MHz`
      : `channels are ${subbandLabel(slot)}’s`;
  refuse('BadFrequencies', `name says ${subbandLabel(subband)}, ${found}`);
}

const isSubband = (descending: Float64Array, subband: number): boolean =>
  subbandFrequenciesHz(subband, descending.length).every((hz, c) => Math.abs((descending[c] ?? Number.NaN) - hz) <= FREQUENCY_TOLERANCE_HZ);

/** AIPS codes: −5 XX, −6 YY, −7 XY, −8 YX. */
export function checkProducts(header: RawHeader): void {
  const codes = [...header.products].sort((a, b) => b - a).join(',');
  if (codes !== '-5,-6' && codes !== '-5,-6,-7,-8') {
    refuse('BadShape', `polarization_array is [${header.products.join(', ')}], expected XX,YY or all four products`);
  }
}
