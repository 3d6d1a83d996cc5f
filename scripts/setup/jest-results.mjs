import { existsSync, readFileSync } from 'node:fs';

/** The closing line of a test run: `N passed, N failed`, and `, N skipped` if any were. */
export function closingLine(resultsPath, exitCode) {
  const { passed, failed, skipped } = existsSync(resultsPath)
    ? count(JSON.parse(readFileSync(resultsPath, 'utf8')))
    : { passed: 0, failed: 0, skipped: 0 };
  // A run that failed for another reason (no tests found, jest broken) must not look like one without failures.
  const shownFailed = exitCode === 0 ? failed : Math.max(failed, 1);
  return `${passed} passed, ${shownFailed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
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
