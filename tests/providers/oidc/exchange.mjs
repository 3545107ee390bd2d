// Token exchange (RFC 8693), which the library leaves to its users: a client of its own gets a
// token for an API, for the person of an access token or ID token that this provider issued.

import { errors } from 'oidc-provider';

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPE = 'urn:ietf:params:oauth:token-type:';

// The subject token is good at this moment, or it is refused (2.2.2).
async function subjectOf(provider, { subject_token: value, subject_token_type: type }) {
  const refuse = (why) => { throw new errors.InvalidRequest(why); };
  if (type === `${TYPE}access_token`) {
    const token = await provider.AccessToken.find(value);
    if (!token || token.isExpired) refuse('subject token is not valid');
    if (!(await provider.Grant.find(token.grantId))) refuse('subject token is revoked');
    if (token.gty === EXCHANGE) refuse('subject token was exchanged itself');
    return { accountId: token.accountId, grantId: token.grantId };
  }
  if (type === `${TYPE}id_token`) {
    const [, payload] = String(value).split('.');
    const { aud } = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString() || '{}');
    const issuedTo = await provider.Client.find(String(aud));
    if (!issuedTo) refuse('subject token is of no client');
    const verified = await provider.IdToken.validate(value, issuedTo).catch((error) => {
      refuse(`subject token is not valid: ${error.message}`);
    });
    return { accountId: verified.payload.sub, grantId: undefined };
  }
  return refuse('subject_token_type is not supported');
}

export function registerExchange(provider, resources) {
  async function handler(ctx) {
    const { client, params } = ctx.oidc;
    const subject = await subjectOf(provider, params);
    const { audience, requested_token_type: wanted } = params;
    if (wanted && wanted !== `${TYPE}access_token`) {
      throw new errors.InvalidRequest('requested_token_type is not supported');
    }
    if (!Object.hasOwn(resources, audience ?? '')) throw new errors.InvalidTarget();
    const asked = (params.scope ?? 'api:read').split(' ');
    if (!asked.every((scope) => ['api:read', 'api:write'].includes(scope))) {
      throw new errors.InvalidScope('not for this audience', params.scope);
    }
    const { accountId, grantId } = subject;
    const token = new provider.AccessToken({
      accountId, client, grantId, gty: EXCHANGE, scope: asked.join(' '), expiresWithSession: false,
    });
    ctx.oidc.entity('AccessToken', token);
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: `${TYPE}access_token`,
      token_type: 'Bearer',
      expires_in: token.expiration,
      scope: token.scope,
    };
  }
  provider.registerGrantType(EXCHANGE, handler, [
    'subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope',
  ]);
}
