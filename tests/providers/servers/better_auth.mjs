// The process behind `better_auth`: the plugins as they are documented, the two pages that whoever
// runs it writes, and its database in memory.
//
// It reads its settings as one line of JSON from stdin, prints `{"port": ...}` once it listens, and
// ends when stdin does.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { oauthProvider } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { getAuthTables } from 'better-auth/db';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';

const PATH = '/api/auth';
const FIELDS = {
  '/sign-in': '<input name="username"><input name="password" type="password"><button>Go</button>',
  '/consent':
    '<button name="decision" value="allow">Allow</button>' +
    '<button name="decision" value="deny">Deny</button>',
};

const input = createInterface({ input: process.stdin });
const asked = JSON.parse((await input[Symbol.asyncIterator]().next()).value);
process.stdin.on('end', () => process.exit()).resume();

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();
const origin = `http://localhost:${port}`;

const tables = {};
const auth = betterAuth({
  baseURL: origin,
  basePath: PATH,
  secret: 'only for tests, as long as thirty-two characters',
  database: memoryAdapter(tables),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: 'error' },
  plugins: [jwt(), oauthProvider({ loginPage: '/sign-in', consentPage: '/consent' })],
});
for (const { modelName } of Object.values(getAuthTables(auth.options))) tables[modelName] = [];

const { headers } = await auth.api.signUpEmail({
  body: { name: asked.name, email: asked.username, password: asked.password },
  returnHeaders: true,
});
const made = await auth.api.adminCreateOAuthClient({
  headers: { cookie: headers.get('set-cookie').split(';')[0] },
  body: {
    client_name: 'Notebooks',
    application_type: 'native',
    redirect_uris: asked.redirect_uris,
    scope: 'openid profile email offline_access',
  },
});

// What the script of a page does with what was typed.
const submit = async (request, search, form) => {
  const [path, typed] = form.has('decision')
    ? ['/oauth2/consent', { accept: form.get('decision') === 'allow' }]
    : ['/sign-in/email', { email: form.get('username'), password: form.get('password') }];
  return auth.handler(
    new Request(`${origin}${PATH}${path}`, {
      method: 'POST',
      body: JSON.stringify({ ...typed, oauth_query: search }),
      headers: {
        'content-type': 'application/json',
        origin,
        cookie: request.headers.cookie ?? '',
      },
    }),
  );
};

const read = async (request) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return new URLSearchParams(Buffer.concat(pieces).toString());
};

const control = {
  '/_control/expire': () => tables.oauthAccessToken.splice(0),
  '/_control/forget': () => {
    tables.oauthRefreshToken.splice(0);
    tables.oauthConsent.splice(0);
  },
};

const provider = toNodeHandler(auth);
server.on('request', async (request, response) => {
  const { pathname, search } = new URL(request.url, origin);
  if (control[pathname]) {
    control[pathname]();
    response.end();
  } else if (!FIELDS[pathname]) {
    provider(request, response);
  } else if (request.method === 'GET') {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<form method="post" action="">${FIELDS[pathname]}</form>`);
  } else {
    const answer = await submit(request, search.slice(1), await read(request));
    const { url, message } = await answer.json();
    response.writeHead(url ? 303 : 400, {
      'Set-Cookie': answer.headers.getSetCookie(),
      ...(url && { Location: url }),
    });
    response.end(message);
  }
});
process.stdout.write(`${JSON.stringify({ port, ...made })}\n`);
