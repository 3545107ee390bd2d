// The OpenID provider: npm oidc-provider with a user table of our own. Nothing in here is a mock;
// where a setting differs from the library's default, the comment says why.

import { generateKeyPairSync, randomBytes } from 'node:crypto';

import Provider, { errors } from 'oidc-provider';

import { registerExchange } from './exchange.mjs';
import * as pages from './pages.mjs';

export const DEFAULT_TTL = {
  AccessToken: 3600,
  AuthorizationCode: 60,
  ClientCredentials: 600,
  DeviceCode: 600,
  Grant: 14 * 86400,
  IdToken: 3600,
  Interaction: 600,
  RefreshToken: 14 * 86400,
  Session: 86400,
};

export function createKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomBytes(8).toString('hex');
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid };
}

const html = (ctx, body) => {
  ctx.type = 'html';
  ctx.body = body;
};

export function createProvider({
  issuer, store, users, keys, cookieKeys, ttl, features, resources,
}) {
  const account = (sub) => {
    const found = Object.entries(users).find(([, user]) => user.sub === sub);
    if (!found) return undefined;
    const [username, { name, email }] = found;
    return {
      accountId: sub,
      claims: () => ({ sub, preferred_username: username, name, email, email_verified: true }),
    };
  };

  const settings = {
    adapter: store.adapter,
    jwks: { keys },
    cookies: { keys: cookieKeys },
    acrValues: ['urn:example:mfa'],
    scopes: ['openid', 'offline_access', 'api:read', 'api:write'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    findAccount: (_ctx, sub) => account(sub),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    // Also without `offline_access`, for what asks for it by the grant type alone; and living on
    // when the browser's session at the provider ends.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    // The library accepts a token for 15 seconds after its end; a test of expiry would wait.
    clockTolerance: 0,
    clientBasedCORS: (_ctx, origin, client) => (client.redirectUris ?? []).some(
      (uri) => new URL(uri).hostname === new URL(origin).hostname,
    ),
    // Its dispatcher takes no document of this machine.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    // Functions, so that POST /_control/ttl takes effect at once.
    ttl: Object.fromEntries(Object.keys(DEFAULT_TTL).map((kind) => [kind, () => ttl[kind]])),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: (ctx, out) => html(ctx, pages.errorPage(out)),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      registration: { enabled: true },
      clientIdMetadataDocument: { ack: 'draft-02', cacheDuration: { min: 0, max: 0 } },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, indicator) => {
          if (!Object.hasOwn(resources, indicator)) throw new errors.InvalidTarget();
          return {
            scope: 'api:read api:write',
            audience: indicator,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
            ...resources[indicator],
          };
        },
      },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form, _out, error) => html(ctx, pages.devicePage(form, error)),
        userCodeConfirmSource: (ctx, form, client, _device, userCode) => html(
          ctx, pages.deviceConfirmPage(form, client.clientName ?? client.clientId, userCode),
        ),
        successSource: (ctx) => html(ctx, pages.page(
          'Connected', '<p>You may close this page and return to your device.</p>',
        )),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => html(ctx, pages.logoutPage(form)),
        postLogoutSuccessSource: (ctx) => html(ctx, pages.page('Signed out', '')),
      },
    },
  };
  for (const [name, changes] of Object.entries(features)) {
    settings.features[name] = { ...settings.features[name], ...changes };
  }
  const provider = new Provider(issuer, settings);
  registerExchange(provider, resources);
  return provider;
}
