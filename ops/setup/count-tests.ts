/**
 * Adds up what the suites report and prints `N passed, N failed` as the last line. A suite that left no report, or any
 * failure outside a test (a check, a crash), counts as one failed. Exit 1 when anything failed.
 */
import { readFileSync } from 'node:fs';

interface Count {
  passed: number;
  failed: number;
}

function readOr<T>(path: string, read: (text: string) => T, otherwise: T): T {
  try {
    return read(readFileSync(path, 'utf8'));
  } catch (error) {
    console.error(`no usable report at ${path}: ${error instanceof Error ? error.message : String(error)}`);
    return otherwise;
  }
}

function jestCount(text: string): Count {
  const report: { numPassedTests: number; numFailedTests: number; numRuntimeErrorTestSuites: number } = JSON.parse(text);
  return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites };
}

function pytestCount(text: string): Count {
  const number = (name: string): number => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(text)?.[1] ?? 'NaN');
  const failed = number('failures') + number('errors');
  return { passed: number('tests') - failed - number('skipped'), failed };
}

const [status, pytestPath, ...jestPaths] = process.argv.slice(2);
if (status === undefined || pytestPath === undefined || jestPaths.length === 0) {
  console.error('usage: count-tests.ts STATUS PYTEST.xml JEST.json...');
  process.exit(64);
}
const nothing: Count = { passed: 0, failed: 1 };
const counts = [readOr(pytestPath, pytestCount, nothing), ...jestPaths.map((path) => readOr(path, jestCount, nothing))];
const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const inTests = counts.reduce((sum, count) => sum + count.failed, 0);
const failed = inTests === 0 && status !== '0' ? 1 : inTests;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
