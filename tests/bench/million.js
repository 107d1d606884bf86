// SPDX-License-Identifier: MIT
// What million.c does, with promises of timers: million.js TASKS SECONDS SPREAD. Its timers count whole milliseconds.
'use strict';

const [n, seconds, spread] = process.argv.slice(2).map(Number);
const CHUNK = 1000; // the loop turns after so many
const late = new Float64Array(n).fill(1);
const gapMs = (spread * 1e3) / n;
let asleep = 0;
let ended = 0;
let firstDue;

const turn = () => new Promise((resolve) => setImmediate(resolve));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function sleepOnce(i) {
  const due = firstDue + i * gapMs;
  asleep++;
  await pause(due - performance.now());
  late[i] = Math.max(0, performance.now() - due); // early is not late
  ended++;
}

async function main() {
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  firstDue = begin + seconds * 1e3;
  for (let i = 0; i < n; ) {
    for (const end = Math.min(n, i + CHUNK); i < end; i++) sleepOnce(i);
    await turn();
  }
  if (asleep !== n) throw new Error(`${asleep} of ${n} are asleep`);
  const allAsleep = performance.now();
  const bytes = (process.memoryUsage.rss() - before) / n;
  while (ended < n) await pause(100);
  late.sort();
  const lateNs = (share) => late[Math.ceil(n * share) - 1] * 1e6;
  console.log(JSON.stringify({
    bytes, start_rate: (n * 1e3) / (allAsleep - begin), spare_s: (firstDue - allAsleep) / 1e3,
    late_p50_ns: lateNs(0.5), late_p99_ns: lateNs(0.99), late_max_ns: lateNs(1),
  }));
}

main();
