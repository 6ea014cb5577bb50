/**
 * From a settled file to a verdict: superblock by a plain read, then header by the worker thread. The file is opened
 * read-only and must be the same before and after; a file that changed meanwhile has not settled.
 */
import { open } from 'node:fs/promises';
import { type FileSignature, sameSignature, signatureOf } from '../domain/file-signature.ts';
import type { NameClaims } from './header-checks.ts';
import type { HeaderFacts, HeaderVerdict, Site } from './header-facts.ts';
import type { HeaderReader } from './header-reader.ts';
import type { Rejection } from './rejection.ts';
import { unreadableFile } from './safe-path.ts';
import { judgeSuperblock, readSuperblock } from './superblock.ts';

export type AdmissionVerdict =
  | { kind: 'admitted'; facts: HeaderFacts }
  | { kind: 'rejected'; rejection: Rejection }
  /** It changed while it was read: settle again. */
  | { kind: 'changed' };

export async function admit(
  path: string,
  signature: FileSignature,
  claims: NameClaims,
  site: Site,
  reader: HeaderReader,
): Promise<AdmissionVerdict> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    return { kind: 'rejected', rejection: unreadableFile(error) };
  }
  try {
    const before = judgeSuperblock(await readSuperblock(file), signature);
    const verdict: HeaderVerdict =
      before === null ? await reader.read({ path, bytes: signature.bytes, claims, site }) : { kind: 'rejected', rejection: before };
    const after = signatureOf(await file.stat({ bigint: true }));
    if (!sameSignature(signature, after)) return { kind: 'changed' };
    return verdict.kind === 'facts' ? { kind: 'admitted', facts: verdict.facts } : verdict;
  } catch (error) {
    return { kind: 'rejected', rejection: unreadableFile(error) };
  } finally {
    await file.close();
  }
}
