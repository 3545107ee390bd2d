// The protected resource: it lives on the issuer's own origin and believes nothing but a token that
// the provider says is good at this moment.

import { createHash } from 'node:crypto';

import { readBody, send } from './http.mjs';

export function createApi(users) {
  const jwts = new Map(); // a JWT is not in the provider's store: remembered when it is issued

  function listen(provider) {
    provider.on('grant.success', (ctx) => {
      const { AccessToken, ClientCredentials } = ctx.oidc.entities;
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
    const { sub, username, scope } = known;
    return send(res, 200, { sub, username, scope, path: pathname });
  }

  return { handle, introspect, listen, expire: () => jwts.clear() };
}
