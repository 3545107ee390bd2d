// What a person sees between the authorization request and the redirect back: the login page, then
// the consent page. Both are plain forms, so `requests` can drive them as well as a browser.

import { timingSafeEqual } from 'node:crypto';

import { readBody, send } from './http.mjs';
import { consentPage, errorPage, loginPage } from './pages.mjs';

const matches = (given, expected) => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
};

export function createInteractions(users) {
  const nameOf = (sub) => Object.keys(users).find((name) => users[name].sub === sub) ?? sub;

  async function show(provider, res, interaction, { problem, username } = {}) {
    const { uid, prompt, params, session } = interaction;
    const registered = await provider.Client.find(params.client_id);
    const common = {
      action: `/interaction/${uid}`,
      client: registered?.clientName ?? params.client_id,
    };
    send(res, problem ? 401 : 200, prompt.name === 'login'
      ? loginPage({ ...common, problem, username: username ?? params.login_hint })
      : consentPage({ ...common, user: nameOf(session.accountId), scopes: params.scope.split(' ') }));
  }

  // Always a new grant, never the one that the same browser gave before: signing out of one account
  // revokes its grant and must not end another's.
  async function grant(provider, { params, session }) {
    const given = new provider.Grant({
      accountId: session.accountId, clientId: params.client_id,
    });
    given.addOIDCScope(params.scope);
    for (const indicator of [params.resource ?? []].flat()) {
      given.addResourceScope(indicator, params.scope);
    }
    return given.save();
  }

  async function answer(provider, req, res, interaction) {
    const form = new URLSearchParams((await readBody(req)).toString());
    const finish = (result) => provider.interactionFinished(req, res, result);
    if (form.get('decision') === 'deny') {
      return finish({ error: 'access_denied', error_description: 'The user said no.' });
    }
    if (interaction.prompt.name === 'consent') {
      return finish({ consent: { grantId: await grant(provider, interaction) } });
    }
    const username = form.get('username') ?? '';
    const user = Object.hasOwn(users, username) ? users[username] : undefined;
    if (!user || !matches(form.get('password') ?? '', user.password)) {
      return show(provider, res, interaction, {
        problem: 'User name or password is wrong.', username,
      });
    }
    const acr = interaction.params.acr_values?.split(' ')[0]; // whatever is asked for
    return finish({ login: { accountId: user.sub, acr } });
  }

  return async function handle(provider, req, res) {
    let interaction;
    try {
      interaction = await provider.interactionDetails(req, res);
    } catch (error) {
      return send(res, 400, errorPage({ error: error.error_description ?? error.message }));
    }
    return req.method === 'POST'
      ? answer(provider, req, res, interaction)
      : show(provider, res, interaction);
  };
}
