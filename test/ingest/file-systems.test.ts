/**
 * Which file systems are scanned because changes made on other hosts give no event there.
 */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { remoteFileSystemOf } from '../../src/domain/remote-file-system.ts';
import { remoteFileSystem } from '../../src/ingest/file-events.ts';

test('the disk of this test has events', async () => {
  expect(await remoteFileSystem(tmpdir())).toBeNull();
  expect(remoteFileSystemOf(statfsSync(tmpdir()).type)).toBeNull();
});

// linux/magic.h, and what lies outside it from the sources of each file system.
test.each([
  [0x6969, 'NFS'], [0xff534d42, 'CIFS'], [0xff534d42 | 0, 'CIFS'], [0xfe534d42, 'SMB'], [0x517b, 'SMB'], [0x65735546, 'FUSE'],
  [0x0bd00bd0, 'Lustre'], [0x00c36400, 'Ceph'], [0x47504653, 'GPFS'], [0x19830326, 'BeeGFS'], [0x01021997, '9p'], [0x5346414f, 'AFS'],
  [0x7461636f, 'OCFS2'], [0x01161970, 'GFS2'], [0xaad7aaea, 'PanFS'], [0xef53, null], [0x01021994, null], [0x58465342, null],
  [0x9123683e, null], [0x794c7630, null],
] as const)('type %i is %s', (type, name) => {
  expect(remoteFileSystemOf(type)).toBe(name);
}); // biome-ignore format: a table
