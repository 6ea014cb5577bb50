/**
 * Reads every sample of a group's raw files through the science environment and adds to each member's verdict what it
 * found: chunks that cannot be read, and how much is finite. Writes nothing but its own scratch, which is removed.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { HostDependencies } from '../../activities/dependencies.ts';
import { runScienceStep } from '../../activities/science-step.ts';
import { releaseRun } from '../runner/scratch.ts';
import type { GroupValidation, MemberVerdict } from '../ingest/group-validation.ts';

const checkedFileSchema = z.looseObject({
  path: z.string(),
  chunks: z.int(),
  unreadableChunks: z.int(),
  faults: z.array(z.string()),
  finiteFraction: z.number().nullable(),
  flaggedFraction: z.number().nullable(),
});
const resultSchema = z.looseObject({ files: z.array(checkedFileSchema), timingsS: z.record(z.string(), z.number()) });

export interface DeepMember extends MemberVerdict {
  finiteFraction: number | null;
  flaggedFraction: number | null;
}

export async function deepCheck(
  dependencies: HostDependencies,
  validation: GroupValidation,
  watch: { signal: AbortSignal; progress: (line: string) => void },
): Promise<Omit<GroupValidation, 'members'> & { members: DeepMember[] }> {
  const { settings } = dependencies;
  const run = { groupId: validation.groupId, runId: `validate-${randomUUID()}`, runNumber: 0 };
  // A file whose header is refused is not read whole: what its bytes mean is not known.
  const members = validation.members.flatMap(({ path, subband, valid }) => (valid && subband !== null ? [{ path, subband }] : []));
  try {
    const { output } = await runScienceStep(
      dependencies,
      {
        program: 'check_raw',
        attempt: { ...run, step: 'collect', attempt: 1 },
        requestedAt: new Date().toISOString(),
        inputs: { members },
        parameters: {},
        outputs: () => ({}),
        resultSchema,
      },
      { signal: watch.signal, progress: ({ fraction, message }) => watch.progress(`${Math.round(fraction * 100)} % ${message}`) },
    );
    const found = new Map(output.files.map((file) => [file.path, file]));
    const judged = validation.members.map((member): DeepMember => {
      const file = found.get(member.path);
      if (file === undefined) return { ...member, finiteFraction: null, flaggedFraction: null };
      const reasons = [...member.reasons];
      if (file.unreadableChunks > 0)
        reasons.push(`Unreadable: ${file.unreadableChunks} of ${file.chunks} chunks; ${file.faults.join('; ')}`);
      const { maxBadFraction } = settings.steps.concat;
      if (file.finiteFraction !== null && 1 - file.finiteFraction > maxBadFraction) {
        reasons.push(`Samples: ${percent(file.finiteFraction)} are finite, the conversion asks for ${percent(1 - maxBadFraction)}`);
      }
      const { finiteFraction, flaggedFraction } = file;
      return { ...member, reasons, valid: reasons.length === 0, finiteFraction, flaggedFraction };
    });
    const bad = judged.flatMap(({ valid, subband }) => (valid || subband === null ? [] : [subband]));
    return {
      ...validation,
      members: judged,
      valid: judged.length > 0 && judged.every(({ valid }) => valid),
      missing: [...new Set([...validation.missing, ...bad])].sort((a, b) => a - b),
    };
  } finally {
    await releaseRun(settings.paths.scratch, run);
  }
}

export const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)} %`;
