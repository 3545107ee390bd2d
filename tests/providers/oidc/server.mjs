// A real OpenID provider, a resource behind it and a control desk for tests, in one process on one
// loopback port. Started by ../oidc.py: settings come as one line of JSON on stdin, the answer is
// one line of JSON on stdout, and the process ends with its stdin, so that none is left behind.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

import { createApi } from './api.mjs';
import { readBody, send } from './http.mjs';
import { createInteractions } from './interactions.mjs';
import { createJournal } from './journal.mjs';
import { createKey, createProvider, DEFAULT_TTL } from './provider.mjs';
import { createStore } from './store.mjs';

async function main({
  host = 'localhost', port = 0, users, clients, ttl: startTtl = {}, features = {},
}) {
  // Longer than any test: a client must not meet a connection that is just being closed.
  const http = createServer({ keepAliveTimeout: 300_000 });
  await new Promise((resolve, reject) => {
    http.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const issuer = `http://${host}:${http.address().port}`;

  const store = createStore();
  const journal = createJournal();
  const api = createApi(users);
  const interactions = createInteractions(users);
  const cookieKeys = [randomBytes(32).toString('hex')];
  const ttl = { ...DEFAULT_TTL, ...startTtl };
  let keys = [createKey()];
  let delays = {}; // path -> milliseconds
  const resources = { // RFC 8707: indicator -> what the library wants to know of it
    [`${issuer}/api`]: { accessTokenFormat: 'opaque' },
    [`${issuer}/jwt`]: {},
  };
  let provider;
  let protocol;

  // New signing keys need a new provider; all it knows is in the store, which stays.
  const build = () => {
    provider = createProvider({
      issuer, store, users, keys, cookieKeys, ttl, features, resources,
    });
    journal.listen(provider);
    api.listen(provider);
    protocol = provider.callback();
  };

  const addClient = async (metadata) => {
    const client = new provider.Client(metadata);
    await provider.Client.adapter.upsert(client.clientId, client.metadata());
  };

  const control = {
    'GET events': () => journal.events(),
    'GET secrets': () => journal.secrets(),
    'POST ttl': (changes) => Object.assign(ttl, changes),
    'POST delay': (changes) => Object.assign(delays, changes),
    'POST clients': (metadata) => addClient(metadata),
    'POST resources': (added) => Object.assign(resources, added),
    'POST forget_clients': async () => {
      store.forget('Client');
      store.forget('RegistrationAccessToken');
      for (const metadata of clients) await addClient(metadata);
    },
    'POST introspect': ({ token }) => api.introspect(provider, token),
    'POST expire': () => {
      store.forget('AccessToken');
      store.forget('ClientCredentials');
      api.expire();
    },
    'POST age': ({ seconds }) => api.age(seconds),
    'POST rotate_keys': ({ keep = true }) => {
      keys = [createKey(), ...(keep ? keys : [])];
      build();
    },
    'POST reset': () => {
      Object.assign(ttl, DEFAULT_TTL, startTtl);
      delays = {};
      journal.reset();
    },
  };

  async function direct(req, res, name) {
    const command = control[`${req.method} ${name}`];
    if (!command) return send(res, 404, { error: 'no such control' });
    const body = (await readBody(req)).toString();
    return send(res, 200, (await command(body ? JSON.parse(body) : {})) ?? {});
  }

  http.on('request', async (req, res) => {
    const url = new URL(req.url, issuer);
    const [, first, second] = url.pathname.split('/');
    try {
      if (first === '_control') return await direct(req, res, second);
      const delay = delays[url.pathname.slice(1)];
      if (delay) await pause(delay);
      if (first === 'api') return await api.handle(provider, req, res, url);
      if (first === 'interaction') return await interactions(provider, req, res);
      return await protocol(req, res);
    } catch (error) {
      const status = error.statusCode ?? 500;
      if (status === 500) console.error(error);
      return send(res, status, { error: error.message, error_description: error.error_description });
    }
  });

  build();
  for (const metadata of clients) await addClient(metadata);
  console.log(JSON.stringify({ port: http.address().port, issuer }));
}

createInterface({ input: process.stdin })
  .once('line', (line) => main(JSON.parse(line)).catch((error) => {
    console.error(error);
    process.exit(1);
  }))
  .once('close', () => process.exit());
