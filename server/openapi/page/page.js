/* SPDX-License-Identifier: MIT */
/* Shows the routes of an OpenAPI document and sends requests to them. Nothing is fetched but the document and what a
 * person sends. All text goes in as text, never as HTML: what a route is called cannot run. */
'use strict';

const documentUrl = document.body.dataset.openapi;
const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'];
let api = null;

/* el('p', {className: 'x'}, 'text', child …) */
function el(name, properties, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/* ---- schemas ---- */

function resolve(schema) {
  for (let steps = 0; schema && schema.$ref && steps < 20; steps++)
    schema = schema.$ref.slice(2).split('/').reduce((at, key) => (at || {})[key], api);
  return schema || {};
}

/* Of alternatives the one that is not null. */
function main(schema) {
  schema = resolve(schema);
  if (!schema.anyOf) return schema;
  const chosen = schema.anyOf.map(resolve).find((one) => one.type !== 'null') || {};
  return {...chosen, default: schema.default, description: schema.description};
}

function word(schema) {
  const one = main(schema);
  if (one.enum) return one.enum.join(' | ');
  if (one.type === 'array') return `list of ${word(one.items || {})}`;
  if (one.type === 'object') return one.title || 'object';
  return one.type || 'any';
}

function limits(schema) {
  const one = main(schema), said = [];
  const names = {minimum: '≥', exclusiveMinimum: '>', maximum: '≤', exclusiveMaximum: '<', multipleOf: 'multiple of',
    minLength: 'length ≥', maxLength: 'length ≤', minItems: 'items ≥', maxItems: 'items ≤', pattern: 'matches'};
  for (const [key, text] of Object.entries(names))
    if (one[key] !== undefined) said.push(`${text} ${one[key]}`);
  if (one.default !== undefined) said.push(`default ${JSON.stringify(one.default)}`);
  return said.join(', ');
}

/* A value to begin with. */
function example(schema, depth = 0) {
  const one = main(schema);
  if (one.default !== undefined) return one.default;
  if (one.enum) return one.enum[0];
  switch (one.type) {
    case 'integer':
    case 'number': return one.minimum ?? (one.exclusiveMinimum === undefined ? 0 : one.exclusiveMinimum + 1);
    case 'boolean': return false;
    case 'string': return 'text'.slice(0, one.maxLength ?? 4).padEnd(one.minLength ?? 0, 'x');
    case 'array': return depth > 3 ? [] : [example(one.items || {}, depth + 1)];
    case 'object': {
      const value = {};
      for (const [name, field] of Object.entries(one.properties || {}))
        if (depth < 4 || (one.required || []).includes(name)) value[name] = example(field, depth + 1);
      return value;
    }
    default: return null;
  }
}

/* ---- credentials ---- */

const credentials = {};

function showCredentials() {
  const schemes = Object.entries((api.components || {}).securitySchemes || {});
  if (!schemes.length) return;
  const form = document.getElementById('credentials'), grid = el('div', {className: 'values'});
  form.hidden = false;
  form.addEventListener('submit', (event) => event.preventDefault());
  form.append(el('h3', {textContent: 'Who is asking'}), grid);
  for (const [name, scheme] of schemes) {
    const parts = scheme.scheme === 'basic' ? ['user', 'password'] : [scheme.scheme === 'bearer' ? 'token' : 'key'];
    credentials[name] = {scheme, values: {}};
    for (const part of parts) {
      const id = `credential-${name}-${part}`;
      const input = el('input', {id, type: part === 'user' ? 'text' : 'password', autocomplete: 'off'});
      input.addEventListener('input', () => { credentials[name].values[part] = input.value; });
      grid.append(el('label', {htmlFor: id, textContent: `${name}: ${part}`}), input);
    }
  }
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function setCookie(request, name, value) {
  request.cookies.push([name, value]);
}

/* For one request, and one at a time: afterwards each has the value that it had before, so that no later request has
 * what this one was given. */
let cookieJar = Promise.resolve();

function withCookies(cookies, run) {
  if (!cookies.length) return run();
  const turn = cookieJar.then(() => setAndRun(cookies, run));
  cookieJar = turn.catch(() => {});
  return turn;
}

async function setAndRun(cookies, run) {
  const before = new Map(document.cookie.split('; ').map((pair) => [pair.split('=', 1)[0], pair]));
  for (const [name, value] of cookies) document.cookie = `${name}=${value}; path=/; SameSite=Strict`;
  try {
    return await run();
  } finally {
    for (const [name] of cookies)
      document.cookie = before.has(name) ? `${before.get(name)}; path=/; SameSite=Strict` : `${name}=; path=/; max-age=0`;
  }
}

/* Add to a request what its route asks for. */
function authorize(operation, request) {
  for (const wanted of operation.security || [])
    for (const name of Object.keys(wanted)) {
      const {scheme, values} = credentials[name] || {values: {}};
      if (!scheme) continue;
      if (scheme.scheme === 'basic' && values.user)
        request.headers.set('Authorization', `Basic ${base64(`${values.user}:${values.password || ''}`)}`);
      else if (scheme.scheme === 'bearer' && values.token)
        request.headers.set('Authorization', `Bearer ${values.token}`);
      else if (scheme.type === 'apiKey' && scheme.in === 'header' && values.key)
        request.headers.set(scheme.name, values.key);
      else if (scheme.type === 'apiKey' && scheme.in === 'query' && values.key)
        request.query.append(scheme.name, values.key);
      else if (scheme.type === 'apiKey' && values.key)
        setCookie(request, scheme.name, values.key);
    }
}

/* ---- one route ---- */

function fieldFor(id, schema) {
  const one = main(schema);
  if (one.enum || one.type === 'boolean') {
    const select = el('select', {id}, el('option', {value: '', textContent: ''}));
    for (const choice of one.enum || ['true', 'false']) select.append(el('option', {value: choice, textContent: choice}));
    return select;
  }
  if (one.type === 'array')
    return el('textarea', {id, rows: 2, placeholder: 'one value a line', className: 'list', style: 'min-height: 3rem'});
  const placeholder = one.default !== undefined ? String(one.default) : '';
  return el('input', {id, type: 'text', placeholder, autocomplete: 'off', spellcheck: false});
}

function showParameters(prefix, parameters, inside) {
  const fields = [];
  if (!parameters.length) return fields;
  const grid = el('div', {className: 'values'});
  inside.append(el('h3', {textContent: 'Parameters'}), grid);
  for (const parameter of parameters) {
    const id = `${prefix}-${parameter.in}-${parameter.name}`, input = fieldFor(id, parameter.schema || {});
    const label = el('label', {htmlFor: id}, el('code', {textContent: parameter.name}));
    if (parameter.required) label.append(' ', el('b', {textContent: '*', title: 'required'}));
    label.append(el('br'), el('span', {className: 'hint', textContent: `${parameter.in}, ${word(parameter.schema)}`}));
    const hint = [parameter.description, limits(parameter.schema)].filter(Boolean).join(' · ');
    grid.append(label, el('div', {}, input, hint ? el('div', {className: 'hint', textContent: hint}) : null));
    fields.push({parameter, input});
  }
  return fields;
}

function showBody(prefix, body, inside) {
  const [type, content] = Object.entries((body || {}).content || {})[0] || [];
  if (!type) return null;
  const id = `${prefix}-body`, area = el('textarea', {id, spellcheck: false});
  if (content.schema) area.value = JSON.stringify(example(content.schema), null, 2);
  inside.append(el('h3', {}, el('label', {htmlFor: id, textContent: `Body: ${type}`})), area);
  if (content.schema) {
    const shape = JSON.stringify(resolve(content.schema), null, 2);
    inside.append(el('details', {}, el('summary', {className: 'hint', textContent: 'Schema'}), el('pre', {textContent: shape})));
  }
  return {type, area};
}

function showReplies(operation, inside) {
  const table = el('table', {});
  for (const [status, reply] of Object.entries(operation.responses || {})) {
    const [type, content] = Object.entries(reply.content || {})[0] || ['', {}];
    table.append(el('tr', {}, el('th', {textContent: status}), el('td', {textContent: reply.description}),
      el('td', {className: 'hint', textContent: [type, content.schema ? word(content.schema) : ''].filter(Boolean).join(', ')})));
  }
  inside.append(el('h3', {textContent: 'Replies'}), table);
}

/* ---- sending ---- */

function makeRequest(method, path, fields, body) {
  const request = {method: method.toUpperCase(), headers: new Headers(), query: new URLSearchParams(), cookies: []};
  request.path = path;
  for (const {parameter, input} of fields) {
    const values = input.className === 'list' ? input.value.split('\n').filter(Boolean) : [input.value];
    if (parameter.in === 'path') {
      /* A parameter that takes the rest of the path keeps its slashes. */
      const text = values[0].split('/').map(encodeURIComponent).join('/');
      request.path = request.path.replace(`{${parameter.name}}`, text);
    }
    for (const value of values) {
      if (value === '') continue;
      if (parameter.in === 'query') request.query.append(parameter.name, value);
      if (parameter.in === 'header') request.headers.append(parameter.name, value);
      if (parameter.in === 'cookie') setCookie(request, parameter.name, value);
    }
  }
  if (body) {
    request.headers.set('Content-Type', body.type);
    request.body = body.area.value;
  }
  return request;
}

function address(request) {
  /* The document's own address tells where the service begins. */
  const base = new URL(documentUrl, location.href);
  const path = document.body.dataset.path;
  const start = base.pathname.endsWith(path) ? base.pathname.slice(0, -path.length) : '';
  const query = request.query.toString();
  return `${start}${request.path}${query ? `?${query}` : ''}`;
}

function quote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function curlOf(request, url) {
  const words = ['curl', '-i'];
  if (request.method !== 'GET') words.push('-X', request.method);
  for (const [name, value] of request.headers) words.push('-H', quote(`${name}: ${value}`));
  if (request.cookies.length) words.push('-b', quote(request.cookies.map(([name, value]) => `${name}=${value}`).join('; ')));
  /* Not --data-binary, which takes a body that begins with @ for the name of a file. */
  if (request.body !== undefined) words.push('--data-raw', quote(request.body));
  words.push(quote(new URL(url, location.href).href));
  return words.join(' ');
}

/* A number of more digits than a double has would be shown as another. */
function pretty(type, text) {
  if (!/[/+]json/.test(type || '') || /\d{16}/.test(text)) return text;
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

/* What has come so far, while it comes: streams and events never end by themselves. */
async function readBody(reply, show) {
  const type = reply.headers.get('Content-Type') || '';
  if (!reply.body) return;
  const reader = reply.body.getReader(), decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    text += decoder.decode(value, {stream: true});
    show(text.slice(0, 200000));
  }
  show(pretty(type, text.slice(0, 200000)));
}

async function send(make, output, stop) {
  const began = performance.now();
  const state = el('p', {className: 'status', textContent: 'waiting …'}), head = el('pre', {}), body = el('pre', {});
  output.replaceChildren(el('h3', {textContent: 'Reply'}), state);
  try {
    const request = make(), url = address(request); /* a header field may hold a character that none can */
    output.append(el('pre', {textContent: curlOf(request, url)}));
    /* Cookies only where the route takes one: without them a 401 does not make the browser ask for a password itself. */
    const options = {method: request.method, headers: request.headers, signal: stop.signal, cache: 'no-store',
      credentials: request.cookies.length ? 'same-origin' : 'omit'};
    if (request.body !== undefined) options.body = request.body;
    const reply = await withCookies(request.cookies, () => fetch(url, options));
    const ms = (performance.now() - began).toFixed(1);
    state.textContent = `${reply.status} ${reply.statusText} · ${ms} ms`;
    state.classList.toggle('wrong', reply.status >= 400);
    head.textContent = [...reply.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    output.append(head, body);
    await readBody(reply, (text) => { body.textContent = text; });
  } catch (error) {
    const stopped = error.name === 'AbortError';
    state.textContent = stopped ? `${state.textContent} · stopped` : `no reply: ${error.message}`;
    state.classList.toggle('wrong', !stopped);
  }
  output.dataset.done = 'yes';
}

function showSending(method, path, operation, fields, body, inside) {
  const sender = el('button', {className: 'send', type: 'button', textContent: 'Send'});
  const stopper = el('button', {type: 'button', textContent: 'Stop', disabled: true});
  const output = el('div', {className: 'output'});
  output.setAttribute('aria-live', 'polite');
  sender.addEventListener('click', async () => {
    const missing = fields.find(({parameter, input}) => parameter.required && input.value === '' && parameter.in === 'path');
    if (missing) {
      missing.input.focus();
      return;
    }
    const stop = new AbortController();
    const make = () => {
      const request = makeRequest(method, path, fields, body);
      authorize(operation, request);
      return request;
    };
    delete output.dataset.done;
    stopper.onclick = () => stop.abort();
    sender.disabled = !(stopper.disabled = false);
    await send(make, output, stop);
    sender.disabled = !(stopper.disabled = true);
  });
  inside.append(el('div', {className: 'buttons'}, sender, stopper), output);
}

function showOperation(method, path, operation) {
  const prefix = operation.operationId || `${method}-${path}`, inside = el('div', {className: 'inside'});
  const route = el('details', {className: 'route', id: prefix},
    el('summary', {}, el('span', {className: `method ${method}`, textContent: method}),
      el('span', {className: 'path', textContent: path}),
      el('span', {className: 'short', textContent: operation.summary === path ? '' : operation.summary || ''}),
      operation.security ? el('span', {className: 'hint', textContent: 'needs credentials'}) : null), inside);
  route.dataset.words = `${method} ${path} ${operation.summary || ''} ${operation.description || ''}`.toLowerCase();
  if (operation.description) inside.append(el('p', {textContent: operation.description}));
  const fields = showParameters(prefix, operation.parameters || [], inside);
  const body = showBody(prefix, operation.requestBody, inside);
  showSending(method, path, operation, fields, body, inside);
  showReplies(operation, inside);
  return route;
}

/* ---- all of them ---- */

function showRoutes() {
  const groups = new Map(), place = document.getElementById('routes');
  for (const [path, item] of Object.entries(api.paths || {}))
    for (const method of METHODS)
      if (item[method])
        for (const tag of item[method].tags || ['Routes']) {
          if (!groups.has(tag)) groups.set(tag, el('section', {}, el('h2', {textContent: tag})));
          groups.get(tag).append(showOperation(method, path, item[method]));
        }
  place.replaceChildren(...groups.values());
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.setAttribute('open', '');
}

function find(text) {
  for (const route of document.querySelectorAll('details.route')) route.hidden = !route.dataset.words.includes(text);
  for (const group of document.querySelectorAll('main section'))
    group.hidden = !group.querySelector('details.route:not([hidden])');
}

async function start() {
  const place = document.getElementById('routes');
  try {
    const reply = await fetch(documentUrl);
    if (!reply.ok) throw new Error(`${reply.status} ${reply.statusText}`);
    api = await reply.json();
  } catch (error) {
    place.replaceChildren(el('p', {className: 'status wrong', textContent: `The document cannot be read: ${error.message}`}));
    return;
  }
  document.getElementById('title').append(' ', el('small', {textContent: api.info.version}));
  document.getElementById('about').textContent = api.info.description || '';
  showCredentials();
  showRoutes();
  document.getElementById('find').addEventListener('input', (event) => find(event.target.value.trim().toLowerCase()));
  document.body.dataset.ready = 'yes';
}

start();
