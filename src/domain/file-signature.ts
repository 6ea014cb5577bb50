/**
 * What tells one state of a file on disk from the next without reading it: inode, size and modification time. Times of
 * files are compared with each other only, never with our clock: hosts differ.
 */

export interface FileSignature {
  inode: string;
  bytes: number;
  /** With a fraction: as fine as a double can hold today's date, a quarter of a microsecond. */
  mtimeMs: number;
}

/** `stat`: as `fs.stat` answers with `bigint`. */
export const signatureOf = (stat: { ino: bigint; size: bigint; mtimeNs: bigint }): FileSignature => ({
  inode: String(stat.ino),
  bytes: Number(stat.size),
  mtimeMs: Number(stat.mtimeNs) / 1e6,
});

export const sameSignature = (a: FileSignature, b: FileSignature): boolean =>
  a.inode === b.inode && a.bytes === b.bytes && a.mtimeMs === b.mtimeMs;
