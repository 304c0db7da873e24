// A vitest reporter that leaves the counts of a run in a file, for the last line of `npm test`.
import { writeFileSync } from 'node:fs';

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        // A test that was never reached (a run broken off) is no success either.
        const { state } = test.result();
        counts[state === 'passed' || state === 'skipped' ? state : 'failed'] += 1;
      }
      // A file that did not load, or a hook that threw, has no failing test of its own.
      if (module.errors().length > 0) counts.failed += 1;
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) counts.failed += 1;
      }
    }
    const file = process.env.SWITCHBOARD_TEST_COUNTS;
    if (file) writeFileSync(file, JSON.stringify(counts));
  }
}
