// Tests of a connector without a host, natively: the cases of `cases/`, and tests that are written by hand. It runs in Node.js
// only; nothing of it is part of a component.

export { Bench } from "./bench.js";
export { TestCase } from "./case.js";
export { Project } from "./project.js";
