/**
 * File systems whose files live on another machine or in user space: changes made elsewhere give no event there, and reading a
 * file twice costs the network twice. Known by their type alone.
 */

/** Magic numbers of statfs(2). */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x517b, 'SMB'],
  [0x65735546, 'FUSE'],
  [0x0bd00bd0, 'Lustre'],
  [0x00c36400, 'Ceph'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x01021997, '9p'],
  [0x5346414f, 'AFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
  [0xaad7aaea, 'PanFS'],
]);

/** Of a `statfs` type, null where it is local; numbers above 2³¹ may come signed. */
export const remoteFileSystemOf = (type: number): string | null => NAMES.get(type >>> 0) ?? null;
