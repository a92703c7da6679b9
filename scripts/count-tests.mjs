// The last line of a test run, from vitest's JSON report: "tests: 812 passed, 0 failed, 3 skipped".
import { readFileSync } from "node:fs";

const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(`tests: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
