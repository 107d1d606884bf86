// SPDX-License-Identifier: MIT
// with_fetch.mjs ECHO TANDEMD: what a program on Node does with fetch, against an echo and against tandemd.
import assert from "node:assert/strict";

const [echo, tandemd] = process.argv.slice(2);

async function whole(url, options) {
  const reply = await fetch(url, options);
  const body = await reply.text();
  assert.equal(reply.status, 200, `${options?.method ?? "GET"} ${url}: ${reply.status}`);
  return { headers: reply.headers, body };
}

async function* pieces() {
  for (const size of [1, 1000, 50000, 7]) yield new TextEncoder().encode("x".repeat(size));
}

for (let i = 0; i < 20; i++) await whole(`${tandemd}/health`);
for (let i = 0; i < 10; i++)
  await Promise.all(Array.from({ length: 10 }, () => whole(`${tandemd}/sleep?period=0.001`)));

assert.equal((await whole(`${echo}/`, { method: "HEAD" })).body, ""); // after which Node itself closes its connection

const post = await whole(`${echo}/a?b=%C3%A9`, { method: "POST", body: "x".repeat(100000) });
assert.equal(post.headers.get("X-Body-Len"), "100000");
assert.equal(post.headers.get("X-Uri"), "/a?b=%C3%A9");
const put = await whole(`${echo}/b`, { method: "PUT", body: pieces(), duplex: "half" });
assert.equal(put.headers.get("X-Body-Len"), "51008");
assert.equal((await whole(`${echo}/big`)).body.length, 32 << 20);

const leaving = new AbortController();
const reply = await fetch(`${echo}/big`, { signal: leaving.signal });
await reply.body.getReader().read();
leaving.abort();
await whole(`${echo}/`);
