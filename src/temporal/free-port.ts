/** Ports of this machine: is one free, who holds it, and one that is free now. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { systemErrorCode } from '../domain/system-error.ts';

export function freePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

export function portIsFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (systemErrorCode(error) === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** The process that listens on a port, in words; null when it cannot be seen (another user's, another system). */
export function portHolder(port: number): string | null {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return null;
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of entries(`/proc/${pid}/fd`)) {
      const socket = /^socket:\[(\d+)\]$/.exec(readOrEmpty(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`)))?.[1];
      if (socket !== undefined && inodes.has(socket)) {
        const command = readOrEmpty(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
          .split('\0')
          .join(' ')
          .trim();
        return `process ${pid} (${command.slice(0, 100)})`;
      }
    }
  }
  return null;
}

function listeningInodes(table: string, port: number): string[] {
  const LISTEN = '0A';
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return readOrEmpty(() => readFileSync(table, 'utf8'))
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hexPort}`) && fields[3] === LISTEN)
    .flatMap((fields) => fields[9] ?? []);
}

/** Processes come and go, and other users' are closed to us: neither is an error here. */
function readOrEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
