// SPDX-License-Identifier: MIT
// What spawn.c does, with promises: spawn.js TASKS BATCH. Between batches the loop turns once.
'use strict';

const [tasks, batch] = process.argv.slice(2).map(Number);
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function noop() {}

async function spawn(n) {
  for (let started = 0; started < n; started += batch) {
    for (let i = 0; i < batch; i++) Promise.resolve().then(noop);
    await turn();
  }
}

async function main() {
  await spawn(10 * batch);
  const begin = performance.now();
  await spawn(tasks);
  console.log(JSON.stringify({ per_second: (tasks * 1e3) / (performance.now() - begin) }));
}

main();
