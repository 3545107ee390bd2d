// What happened at the provider and which secrets it gave away, so that tests can count refreshes
// and search notebooks and logs for values that must not be there.

const SECRET_PARAMS = ['code', 'code_verifier', 'state', 'nonce', 'client_secret',
  'refresh_token', 'device_code', 'subject_token'];

export function createJournal() {
  let events = [];
  const secrets = {}; // kind -> Set; never emptied, a secret stays one

  const keep = (source = {}, kinds = Object.keys(source)) => {
    for (const kind of kinds) {
      if (typeof source[kind] === 'string') (secrets[kind] ??= new Set()).add(source[kind]);
    }
  };

  const record = (event, ctx, details = {}) => {
    const { oidc } = ctx;
    keep(oidc?.params, SECRET_PARAMS);
    events.push({
      event,
      time: Date.now() / 1000,
      client_id: oidc?.client?.clientId,
      grant_type: oidc?.params?.grant_type,
      sub: oidc?.account?.accountId ?? oidc?.session?.accountId,
      ...details,
    });
  };

  function listen(provider) {
    const failed = (event) => provider.on(event, (ctx, error) => record(event, ctx, {
      error: error.error ?? error.name, detail: error.error_detail ?? error.message,
    }));
    for (const route of ['authorization', 'grant', 'revocation', 'introspection', 'userinfo',
      'device_authorization']) failed(`${route}.error`);
    failed('server_error');

    provider.on('interaction.started', (ctx, prompt) => record('interaction.started', ctx, {
      prompt: prompt.name,
    }));
    provider.on('authorization.success', (ctx, out) => {
      keep(out, ['code', 'state']);
      record('authorization.success', ctx);
    });
    provider.on('device_authorization.success', (ctx, body) => {
      keep(body, ['device_code', 'user_code']);
      record('device_authorization.success', ctx);
    });
    provider.on('grant.success', (ctx) => {
      keep(ctx.body, ['access_token', 'refresh_token', 'id_token']);
      record('grant.success', ctx);
    });
    provider.on('grant.revoked', (ctx) => record('grant.revoked', ctx));
    provider.use(async (ctx, next) => {
      await next();
      // The library has no event for a revocation that worked, and answers 200 to an unknown token.
      if (ctx.oidc?.route === 'revocation' && ctx.status === 200) {
        const { RefreshToken, AccessToken } = ctx.oidc.entities;
        const kind = (RefreshToken && 'refresh_token') || (AccessToken && 'access_token');
        record('revocation.success', ctx, { kind: kind || null });
      }
    });
  }

  return {
    listen,
    reset: () => { events = []; },
    events: () => events,
    secrets: () => Object.fromEntries(
      Object.entries(secrets).map(([kind, values]) => [kind, [...values]]),
    ),
  };
}
