// SPDX-License-Identifier: MIT
// browser.mjs CHROMIUM TANDEMD ITEMS AUTH: what a validator says of the programs' OpenAPI documents, and what a person
// can do with their pages in a real browser that reaches nothing but the program. Prints "N passed, N failed".
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Validator} from '@seriousme/openapi-schema-validator';
import puppeteer from 'puppeteer-core';

const [chromium, tandemd, items, auth] = process.argv.slice(2);
const PATIENCE = 20000;
let passed = 0, failed = 0;

/* Start a program, wait for its ready line. */
function start(program, args) {
  const child = spawn(program, args, {stdio: ['ignore', 'pipe', 'ignore']});
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
      const found = /listening on (http:\S+)/.exec(out);
      if (found) resolve({child, url: found[1]});
    });
    child.on('exit', () => reject(new Error(`${program} ended before its ready line: ${out}`)));
  });
}

async function stop({child}) {
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

async function test(name, run) {
  try {
    await run();
    passed++;
  } catch (error) {
    failed++;
    console.log(`FAILED: ${name}: ${error.stack}`);
  }
}

async function documentOf(server) {
  const reply = await fetch(`${server.url}/openapi.json`);
  assert.equal(reply.status, 200);
  return reply.json();
}

async function validate(server) {
  const document = await documentOf(server);
  assert.equal(document.openapi, '3.1.0');
  const {valid, errors} = await new Validator().validate(document);
  assert.ok(valid, JSON.stringify(errors, null, 1));
  return document;
}

/* A page that fails when anything goes wrong in it, or asks for anything outside. */
async function open(browser, server, path = '/docs') {
  const page = await browser.newPage(), wrong = [];
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(message.text()); });
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('data:')) wrong.push(`asked for ${request.url()}`);
  });
  await page.goto(`${server.url}${path}`);
  await page.waitForSelector('body[data-ready]');
  return {page, wrong};
}

const route = (id) => `details.route[id="${id}"]`;

async function unfold(page, id) {
  await page.click(`${route(id)} > summary`);
}

async function fill(page, selector, text) {
  await page.$eval(selector, (field) => { field.value = ''; });
  await page.type(selector, text);
}

/* Press the route's button and read what the page shows. */
async function send(page, id) {
  await page.$eval(`${route(id)} .output`, (output) => { delete output.dataset.done; });
  await page.click(`${route(id)} button.send`);
  await page.waitForSelector(`${route(id)} .output[data-done]`);
  const texts = await page.$$eval(`${route(id)} .output > *`, (nodes) => nodes.map((node) => node.textContent));
  return {status: Number.parseInt(texts[1], 10), curl: texts[2], head: texts[3], body: texts[4]};
}

async function tryItems(browser, server) {
  const {page, wrong} = await open(browser, server);
  await unfold(page, 'post_shop_items');
  await fill(page, '#post_shop_items-body', '{"name": "tea", "price": 2.5, "note": "<img src=x onerror=alert(1)>"}');
  let reply = await send(page, 'post_shop_items');
  assert.equal(reply.status, 201);
  assert.equal(JSON.parse(reply.body).id, 1);
  assert.match(reply.head, /location: \/shop\/items\/1/);
  assert.match(reply.curl, /^curl -i -X POST -H 'content-type: application\/json' --data-raw /);
  await unfold(page, 'get_shop_items_id_int');
  await fill(page, '[id="get_shop_items_id_int-path-id"]', '1');
  reply = await send(page, 'get_shop_items_id_int');
  assert.equal(reply.status, 200);
  assert.equal(JSON.parse(reply.body).name, 'tea');
  await fill(page, '[id="get_shop_items_id_int-path-id"]', '101');
  reply = await send(page, 'get_shop_items_id_int');
  assert.equal(reply.status, 422);
  assert.equal(JSON.parse(reply.body).detail[0].type, 'less_than_equal');
  await page.type('#find', 'delete');
  assert.equal(await page.$$eval('details.route:not([hidden])', (routes) => routes.length), 1);
  if (process.env.SCREENSHOT) {
    await page.$eval('#find', (input) => { input.value = ''; input.dispatchEvent(new Event('input')); });
    await page.screenshot({path: process.env.SCREENSHOT, fullPage: true});
  }
  await page.close();
  assert.deepEqual(wrong.filter((text) => !/422/.test(text)), []); /* the browser itself tells of the 422 */
}

async function tryDaemon(browser, server) {
  const {page, wrong} = await open(browser, server);
  await unfold(page, 'get_tasks');
  await page.select('#get_tasks-query-state', 'done');
  await fill(page, '#get_tasks-query-limit', '5');
  const reply = await send(page, 'get_tasks');
  assert.equal(reply.status, 200);
  assert.deepEqual(JSON.parse(reply.body).tasks, []);
  assert.match(reply.curl, /\/tasks\?state=done&limit=5'$/);
  await page.close();
  assert.deepEqual(wrong, []);
}

async function tryAuth(browser, server) {
  const {page, wrong} = await open(browser, server);
  await unfold(page, 'get_people_me');
  assert.equal((await send(page, 'get_people_me')).status, 401);
  await page.type('#credential-basic-user', 'ada');
  await page.type('#credential-basic-password', 'secret');
  const reply = await send(page, 'get_people_me');
  assert.equal(reply.status, 200);
  assert.equal(JSON.parse(reply.body).user, 'ada');
  /* A cookie is sent with its own request, and with none after it. */
  await unfold(page, 'get_browsers_me');
  await page.type('#credential-session-key', 'c00kie');
  const session = await send(page, 'get_browsers_me');
  assert.equal(session.status, 200);
  assert.match(session.curl, / -b 'session=c00kie' /);
  assert.equal(await page.evaluate(() => document.cookie), '');
  await fill(page, '#credential-session-key', ' ');
  await page.$eval('#credential-session-key', (input) => { input.value = ''; input.dispatchEvent(new Event('input')); });
  assert.equal((await send(page, 'get_browsers_me')).status, 401);
  /* What no header field can hold is said, and not silently dropped. */
  await unfold(page, 'get_programs_me');
  await page.type('#credential-bearer-token', 't\u0142ken');
  await page.click(`${route('get_programs_me')} button.send`);
  await page.waitForSelector(`${route('get_programs_me')} .output[data-done]`);
  assert.match(await page.$eval(`${route('get_programs_me')} .status`, (state) => state.textContent), /^no reply: /);
  await page.close();
  assert.deepEqual(wrong.filter((text) => !/401/.test(text)), []);
}

async function main() {
  const servers = {daemon: await start(tandemd, ['--port', '0']), items: await start(items, ['0']), auth: await start(auth, ['0'])};
  const profile = mkdtempSync(join(tmpdir(), 'tandem-browser-'));
  const browser = await puppeteer.launch({
    executablePath: chromium, userDataDir: profile,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  });
  await test('the validator accepts the daemon\'s document', async () => {
    const document = await validate(servers.daemon);
    assert.ok(document.paths['/tasks/{id}'].get && document.paths['/tasks/{id}'].delete);
    for (const item of Object.values(document.paths))
      for (const operation of Object.values(item)) assert.ok(operation.summary, 'every route says what it is for');
  });
  await test('the validator accepts the shop\'s document', async () => {
    const document = await validate(servers.items);
    assert.deepEqual(Object.keys(document.components.schemas).sort(),
      ['HTTPError', 'HTTPValidationError', 'Item', 'NewItem', 'ValidationError']);
    assert.deepEqual(document.components.schemas.NewItem.required, ['name', 'price']);
    assert.equal(document.paths['/shop/items'].post.requestBody.content['application/json'].schema.$ref,
      '#/components/schemas/NewItem');
  });
  await test('the validator accepts a document with credentials', async () => {
    const document = await validate(servers.auth);
    assert.deepEqual(document.paths['/people/me'].get.security, [{basic: []}]);
    assert.deepEqual(Object.keys(document.components.securitySchemes).sort(), ['basic', 'bearer', 'session']);
  });
  await test('a person adds an item and looks at it', () => tryItems(browser, servers.items));
  await test('a person asks the daemon for its tasks', () => tryDaemon(browser, servers.daemon));
  await test('a person says who they are', () => tryAuth(browser, servers.auth));
  await browser.close();
  rmSync(profile, {recursive: true, force: true, maxRetries: 5});
  await Promise.all(Object.values(servers).map(stop));
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

await main();
