/**
 * The log of one attempt: everything up to a limit goes to its file, the last lines always stay in memory for the failure
 * report. A program that prints without end costs neither disk nor memory beyond these bounds.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

const MAX_FILE_BYTES = 32 * 1024 * 1024;
const MAX_TAIL_BYTES = 32 * 1024;
/** Said by casacore with any packaged leap-second table: true, harmless and read as an error by people. */
const KNOWN_NOISE = /Leap second table TAI_UTC seems out-of-date/;

export class StepLog {
  readonly path: string;
  private readonly file: number;
  private written = 0;
  private tailBytes = Buffer.alloc(0);

  constructor(path: string) {
    this.path = path;
    this.file = openSync(path, 'a');
  }

  write(bytes: Buffer): void {
    const room = MAX_FILE_BYTES - this.written;
    if (room > 0) {
      writeSync(this.file, bytes.subarray(0, room));
      this.written += Math.min(room, bytes.length);
      if (this.written >= MAX_FILE_BYTES) writeSync(this.file, `\n[log cut here: more than ${MAX_FILE_BYTES} bytes]\n`);
    }
    this.tailBytes = Buffer.concat([this.tailBytes, bytes.subarray(-MAX_TAIL_BYTES)]).subarray(-MAX_TAIL_BYTES);
  }

  /** The last lines a person should read. */
  tail(lines: number): string[] {
    const text = this.tailBytes.toString('utf8').trimEnd();
    const readable = text.split('\n').filter((line) => line !== '' && !KNOWN_NOISE.test(line));
    return readable.slice(-lines);
  }

  close(): void {
    closeSync(this.file);
  }
}
