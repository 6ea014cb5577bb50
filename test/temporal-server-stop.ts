/** Jest's globalTeardown of the project `server`: ends the server that globalSetup started, and only that one. */
export default async function stopTestServer(): Promise<void> {
  await globalThis.contimgTestServer?.stop();
}
