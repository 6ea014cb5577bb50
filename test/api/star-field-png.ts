/** A greyscale PNG of a few Gaussian sources on noise: something that looks like a radio image. Deterministic. */
import { crc32, deflateSync } from 'node:zlib';

export function starFieldPng(size: number): Buffer {
  const rows = Buffer.alloc((size + 1) * size);
  let seed = 7;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const sources = Array.from({ length: 24 }, () => ({ x: random() * size, y: random() * size, peak: 60 + 190 * random() ** 3 }));
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const sky = sources.reduce((sum, source) => sum + source.peak * Math.exp(-((x - source.x) ** 2 + (y - source.y) ** 2) / 18), 0);
      // The first byte of each row is its filter type: none.
      rows[y * (size + 1) + 1 + x] = Math.min(255, 20 + 14 * random() + sky);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header[8] = 8;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
