/**
 * Splits a byte stream into lines with bounded memory. Lines that start with `{` are handed over as text; all others, and
 * lines longer than the limit, only as bytes for the log. Never throws on what a program prints.
 */

const NEWLINE = 0x0a;
const BRACE = 0x7b;
const MAX_LINE_BYTES = 1_000_000;

export interface LineSink {
  event(line: string): void;
  /** Anything that is not an event line, in the order printed. */
  other(bytes: Buffer): void;
}

export class LineSplitter {
  /** Lines over the limit that were dropped. */
  droppedLines = 0;
  private readonly sink: LineSink;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private tooLong = false;

  constructor(sink: LineSink) {
    this.sink = sink;
  }

  push(chunk: Buffer): void {
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end === -1) {
        this.keep(chunk.subarray(start));
        return;
      }
      const atLineStart = this.pendingBytes === 0 && !this.tooLong;
      if (atLineStart && chunk[start] !== BRACE) {
        // Chatter is passed on in one piece up to the next line that may be an event.
        start = this.passChatter(chunk, start);
      } else {
        this.keep(chunk.subarray(start, end));
        this.finishLine();
        start = end + 1;
      }
    }
  }

  /** The stream has ended: a last line without a newline counts. */
  end(): void {
    if (this.pendingBytes > 0 || this.tooLong) this.finishLine();
  }

  private passChatter(chunk: Buffer, start: number): number {
    const nextEvent = chunk.indexOf('\n{', start);
    const end = nextEvent === -1 ? chunk.lastIndexOf(NEWLINE) + 1 : nextEvent + 1;
    this.sink.other(chunk.subarray(start, end));
    return end;
  }

  private keep(part: Buffer): void {
    if (this.tooLong) return;
    if (this.pendingBytes + part.length > MAX_LINE_BYTES) {
      this.tooLong = true;
      this.pending = [];
      this.pendingBytes = 0;
      return;
    }
    // A copy: `part` is a view of a pool that Node uses again.
    this.pending.push(Buffer.from(part));
    this.pendingBytes += part.length;
  }

  private finishLine(): void {
    if (this.tooLong) {
      this.droppedLines += 1;
    } else {
      const line = Buffer.concat(this.pending);
      if (line[0] === BRACE) this.sink.event(line.toString('utf8'));
      else this.sink.other(Buffer.concat([line, Buffer.from('\n')]));
    }
    this.pending = [];
    this.pendingBytes = 0;
    this.tooLong = false;
  }
}
