// Three projects: `fast` and `slow` need nothing but what set-up installs, `server` shares one real Temporal server
// (test/temporal-server.ts). A test is slow when it drives a browser or a whole pipeline, or waits for deadlines.
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  modulePathIgnorePatterns: ['<rootDir>/science/.venv', '<rootDir>/.tools', '<rootDir>/.demo', '<rootDir>/dist'],
};

export default {
  // Against hanging only: far above what a test takes, even on a busy machine.
  testTimeout: 30_000,
  projects: [
    {
      ...common,
      displayName: 'fast',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['\\.(server|slow)\\.test\\.ts$'],
    },
    { ...common, displayName: 'slow', testMatch: ['<rootDir>/test/**/*.slow.test.ts'] },
    {
      ...common,
      displayName: 'server',
      testMatch: ['<rootDir>/test/**/*.server.test.ts'],
      globalSetup: '<rootDir>/test/temporal-server.ts',
      globalTeardown: '<rootDir>/test/temporal-server-stop.ts',
    },
  ],
};
