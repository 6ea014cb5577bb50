/**
 * Keeps a log file that several processes append to below a size: what is in it is copied aside and the file is emptied in
 * place, so that nobody has to open it again. Nothing written before the emptying is lost; the oldest copy is.
 */
import { closeSync, copyFileSync, existsSync, openSync, readSync, renameSync, statSync, truncateSync, writeSync } from 'node:fs';

const MAX_BYTES = 64 * 1024 * 1024;
/** `log.1` is the newest copy, `log.5` the oldest. */
const KEPT = 5;

export function rotateWhenLarge(file: string, maxBytes = MAX_BYTES): void {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes <= maxBytes) return;
  for (let number = KEPT - 1; number >= 1; number -= 1) {
    if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`);
  }
  copyFileSync(file, `${file}.1`);
  appendRest(file, `${file}.1`);
  truncateSync(file);
}

/** What others wrote while it was copied. */
function appendRest(from: string, to: string): void {
  const [source, target] = [openSync(from, 'r'), openSync(to, 'a')];
  try {
    const chunk = Buffer.alloc(65_536);
    let at = statSync(to).size;
    for (let read = readSync(source, chunk, 0, chunk.length, at); read > 0; read = readSync(source, chunk, 0, chunk.length, at)) {
      writeSync(target, chunk, 0, read);
      at += read;
    }
  } finally {
    closeSync(source);
    closeSync(target);
  }
}
