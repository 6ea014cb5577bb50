/** Stage conversion: raw subband files to one published Measurement Set, by the steps `concat` and `organize`. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { organize } from '../../activities/organize.ts';
import { concat } from '../../activities/science-steps.ts';
import type { GroupKey, SubbandArrival } from '../domain/arrival.ts';
import { degradationBy, type Lacking, lackingIn } from '../domain/degradation.ts';
import { groupIdFromHeader } from '../domain/group-id.ts';
import { chooseMembers } from '../domain/membership.ts';
import type { ConcatResult } from '../domain/science-result.ts';
import { judgeName } from '../domain/subband.ts';
import { admit } from '../ingest/admission.ts';
import { signatureOf } from '../domain/file-signature.ts';
import { createHeaderReader } from '../ingest/header-reader.ts';
import { HEADER_DEADLINE_MS } from '../ingest/ingest.ts';
import { Stage, type Watch } from './stage.ts';

export interface ConversionInput {
  /** Members of one group, absolute paths. */
  hdf5Files: readonly string[];
  /** When given, the files must be of this group. */
  groupId?: string;
}

export interface ConversionResult {
  groupId: string;
  /** The published Measurement Set. */
  ms: string;
  manifest: string;
  kind: 'science' | 'calibrator';
  calibrator: string | null;
  /** What the data lack: products say that they are degraded by it. */
  lacking: Lacking;
  conversion: ConcatResult;
  key: GroupKey;
}

interface ReadGroup {
  groupId: string;
  key: GroupKey | null;
  members: SubbandArrival[];
  problems: string[];
}

export class ConversionStage extends Stage<ConversionInput, ConversionResult> {
  async validate(input: ConversionInput): Promise<string[]> {
    return (await this.#read(input)).problems;
  }

  protected async work(input: ConversionInput, watch: Watch): Promise<ConversionResult> {
    const { groupId, key, members } = await this.#read(input);
    if (key === null) throw new Error('a group without files passed validation');
    const expectedSubbands = this.host.settings.collecting.expected;
    const made = await concat(this.host)({ ...this.order(groupId, 'concat'), members, expectedSubbands, key }, watch);
    const conversion = made.output.result;
    const lacking = lackingIn(conversion);
    const order = { ...this.order(groupId, 'organize'), concat: conversion, key, degradedReasons: degradationBy(lacking) };
    const published = await organize(this.host)(order, watch);
    const { publishedMs, manifestPath, validation } = published.output;
    const { kind, calibrator } = validation.classification;
    return { groupId, ms: publishedMs, manifest: manifestPath, kind, calibrator, lacking, conversion, key };
  }

  async #read({ hdf5Files, groupId: wanted }: ConversionInput): Promise<ReadGroup> {
    const { settings } = this.host;
    const reader = createHeaderReader({ deadlineMs: HEADER_DEADLINE_MS });
    const problems: string[] = [];
    const arrivals: SubbandArrival[] = [];
    let key: GroupKey | null = null;
    try {
      for (const path of hdf5Files) {
        const name = judgeName(basename(path));
        if (name.kind !== 'candidate') {
          problems.push(`${path}: a subband file is named YYYY-MM-DDTHH:MM:SS_sbNN.hdf5`);
          continue;
        }
        const signature = signatureOf(await stat(path, { bigint: true }));
        const verdict = await admit(path, signature, { subband: name.subband, nameTimeText: name.nameTimeText }, settings.site, reader);
        if (verdict.kind === 'admitted') {
          const { t0Jd, decRad, integrationS, integrations, headerDigest, gridDigest } = verdict.facts;
          key ??= { t0Jd, decRad, integrationS, integrations };
          if (Math.abs(t0Jd - key.t0Jd) * 86_400 >= integrationS / 2) problems.push(`${path}: it is of another group than ${hdf5Files[0]}`);
          arrivals.push({ path, subband: name.subband, ...signature, headerDigest, gridDigest, integrations });
        } else {
          problems.push(`${path}: ${verdict.kind === 'changed' ? 'it changed while it was read' : verdict.rejection.message}`);
        }
      }
    } finally {
      await reader.close();
    }
    const { members, foreign } = chooseMembers(arrivals, settings.collecting.expected);
    problems.push(...foreign.map(({ path }) => `${path}: its grid differs from most members`));
    const groupId = key === null ? (wanted ?? 'unknown') : groupIdFromHeader(key.t0Jd, key.integrationS);
    if (wanted !== undefined && wanted !== groupId) problems.push(`the files are of group ${groupId}, not ${wanted}`);
    if (members.length < settings.collecting.minimum)
      problems.push(`${members.length} usable subbands, at least ${settings.collecting.minimum} are needed`);
    return { groupId, key, members, problems };
  }
}
