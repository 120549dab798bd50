// The cases of `cases/` as native tests, for a debugger. `handoff test` runs them on the built component.

import { test } from "node:test";
import { Project } from "handoff-sdk/testing";

const project = new Project(new URL("..", import.meta.url));
const connector = await project.connector();

for (const testCase of project.cases()) {
  test(testCase.name, () => testCase.check(connector));
}
