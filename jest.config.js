// Two projects: `fast` needs nothing but Node, `server` shares one real Temporal server (test/temporal-server.ts).
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  modulePathIgnorePatterns: ['<rootDir>/science/.venv', '<rootDir>/.demo'],
};

export default {
  coverageProvider: 'v8',
  projects: [
    { ...common, displayName: 'fast', testMatch: ['<rootDir>/test/**/*.test.ts'], testPathIgnorePatterns: ['\\.server\\.test\\.ts$'] },
    {
      ...common,
      displayName: 'server',
      testMatch: ['<rootDir>/test/**/*.server.test.ts'],
      globalSetup: '<rootDir>/test/temporal-server.ts',
      globalTeardown: '<rootDir>/test/temporal-server-stop.ts',
    },
  ],
};
