/** Jest's globalTeardown of the project `server`: ends the server that globalSetup started, and only that one. */
import { rm } from 'node:fs/promises';

export default async function stopTestServer(): Promise<void> {
  if (globalThis.contimgTestServer === undefined) return;
  const { server, folder } = globalThis.contimgTestServer;
  await server.stop();
  await rm(folder, { recursive: true });
}
