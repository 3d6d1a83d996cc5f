import { existsSync, readFileSync } from 'node:fs';

/**
 * The closing line of a test run: `N passed, N failed`, and `, N skipped` if any were. The rules of the chaos referee count as tests,
 * where it has left a report.
 */
export function closingLine(resultsPath, exitCode, chaosReportPath) {
  const tests = existsSync(resultsPath) ? count(readJson(resultsPath)) : { passed: 0, failed: 0, skipped: 0 };
  const rules = existsSync(chaosReportPath ?? '')
    ? countRules(readJson(chaosReportPath))
    : { passed: 0, failed: 0 };
  const passed = tests.passed + rules.passed;
  const failed = tests.failed + rules.failed;
  const { skipped } = tests;
  // A run that failed for another reason (no tests found, jest broken) must not look like one without failures.
  const shownFailed = exitCode === 0 ? failed : Math.max(failed, 1);
  return `${passed} passed, ${shownFailed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

function countRules({ verdicts }) {
  const failed = verdicts.filter(({ passed }) => !passed).length;
  return { passed: verdicts.length - failed, failed };
}

/** A file that could not even be loaded has no tests, and counts as one failure. */
function count({ numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults }) {
  const unloaded = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + unloaded.length,
    skipped: numPendingTests + numTodoTests,
  };
}
