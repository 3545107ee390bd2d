// The protected resource: it lives on the issuer's own origin and believes nothing but a token that
// the provider says is good at this moment.

import { createHash } from 'node:crypto';

import { readBody, send } from './http.mjs';

export function createApi(users) {
  const jwts = new Map(); // a JWT is not in the provider's store: remembered when it is issued
  const signIns = new Map(); // access token -> when its person signed in, and how

  function listen(provider) {
    provider.on('grant.success', (ctx) => {
      const { AccessToken, ClientCredentials, AuthorizationCode, RefreshToken } = ctx.oidc.entities;
      const { authTime = 0, acr } = AuthorizationCode ?? RefreshToken ?? {};
      signIns.set(ctx.body.access_token, { authTime, acr });
      const token = AccessToken ?? ClientCredentials;
      if (token?.resourceServer?.accessTokenFormat === 'jwt') {
        const value = ctx.body.access_token;
        const { exp } = JSON.parse(Buffer.from(value.split('.')[1], 'base64url'));
        jwts.set(value, Object.assign(token, { exp }));
      }
    });
  }

  async function introspect(provider, value) {
    const found = jwts.get(value)
      ?? await provider.AccessToken.find(value)
      ?? await provider.ClientCredentials.find(value)
      ?? await provider.RefreshToken.find(value);
    const inactive = !found || found.isExpired || found.consumed;
    // Only a stored token dies with its grant; a JWT is good until it ends (RFC 9068).
    const orphaned = found?.grantId && !jwts.has(value)
      && !(await provider.Grant.find(found.grantId));
    if (inactive || orphaned) return { active: false };
    const username = Object.keys(users).find((name) => users[name].sub === found.accountId);
    return {
      active: true,
      kind: found.kind,
      sub: found.accountId ?? found.clientId,
      username: username ?? null,
      scope: found.scope ?? '',
      client_id: found.clientId,
      exp: found.exp,
    };
  }

  // What the query demands of the token, as the header of a refusal (RFC 6750 3.1, RFC 9470 3).
  function demand(token, { scope: granted }, query) {
    const [scope, acrs, age] = ['scope', 'acr_values', 'max_age'].map((name) => query.get(name));
    if (scope && !scope.split(' ').every((each) => granted.split(' ').includes(each))) {
      return `Bearer error="insufficient_scope", scope="${scope}"`;
    }
    const { authTime, acr } = signIns.get(token);
    const strong = !acrs || acrs.split(' ').includes(acr);
    const recent = !age || Date.now() / 1000 - authTime <= Number(age);
    if (strong && recent) return null;
    const asked = [acrs && `acr_values="${acrs}"`, age && `max_age="${age}"`].filter(Boolean);
    return `Bearer error="insufficient_user_authentication", ${asked.join(', ')}`;
  }

  async function handle(provider, req, res, { pathname, searchParams }) {
    const body = await readBody(req);
    const token = /^bearer +(.+)$/i.exec(req.headers.authorization ?? '')?.[1];
    const known = token ? await introspect(provider, token) : { active: false };
    if (!known.active || known.kind === 'RefreshToken') {
      return send(res, 401, { error: 'invalid_token' }, {
        'WWW-Authenticate': `Bearer realm="api"${token ? ', error="invalid_token"' : ''}`,
      });
    }
    if (pathname === '/api/redirect') {
      return send(res, 302, {}, { Location: searchParams.get('to') });
    }
    if (pathname === '/api/echo') {
      const sha256 = createHash('sha256').update(body).digest('hex');
      return send(res, 200, { length: body.length, sha256, method: req.method });
    }
    if (pathname === '/api/demand') {
      const header = demand(token, known, searchParams);
      if (header) return send(res, 401, { error: 'more' }, { 'WWW-Authenticate': header });
    }
    const { sub, username, scope } = known;
    return send(res, 200, { sub, username, scope, path: pathname });
  }

  return {
    handle,
    introspect,
    listen,
    expire: () => jwts.clear(),
    // Everybody signed in that many seconds earlier than they did.
    age: (seconds) => signIns.forEach((each) => { each.authTime -= seconds; }),
  };
}
