"""What each field of a provider means, in one line: the README's reference is made from it."""

from __future__ import annotations

MEANINGS = {
    "name": "What it is called here: up to 64 lower-case letters, digits, `.`, `-` or `_`. In a"
    " file it is the table's own name.",
    "title": "What people read on buttons and pages.",
    "issuer": "Its address. Everything else is discovered there (OIDC Discovery, RFC 8414).",
    "endpoints": "Where there is no issuer, or besides it: `authorization_endpoint`,"
    " `token_endpoint`, `device_authorization_endpoint`, `revocation_endpoint`,"
    " `userinfo_endpoint`, `jwks_uri`.",
    "client_id": "Your registration there.",
    "client_secret": "Its secret, for a client that is not public. It stays with the broker;"
    " better in the environment than in a file.",
    "client_auth": "How the secret is shown: `basic` (with a secret), `post`, `query` (all of a"
    " token request in its URL), or `none`.",
    "grants": "The ways in, the preferred one first: `authorization_code` (the browser comes back"
    " here), `device_code` (a code to type at its page), `paste` (a text to copy from there),"
    " `api_key` (a static key), `password` (typed on a page of this server; old, and to be"
    " avoided). Empty: those it offers.",
    "scopes": "What to ask for. Empty: `openid profile email offline_access`, as far as offered.",
    "audience": "The API that tokens are for, where the provider wants to know.",
    "authorize_params": "Further parameters of the authorization request.",
    "token_params": "Further parameters of the token request.",
    "redirect_uri": "The one address that is registered, where it cannot be this server's own. One"
    " at another port of this machine is listened at; a browser elsewhere has its answer pasted.",
    "base_url": "What relative URLs of a session are joined to.",
    "api_origins": "Where the token may go. Empty: the origin of `base_url`, else of the issuer.",
    "header": "`name` and `template` of the header that carries the token.",
    "username_claim": "The claim with the name to show.",
    "username_url": 'An API\'s "me", to find that claim in.',
    "ca_bundle": "A file of certificates to trust there, in place of the usual ones.",
    "leeway": "Seconds before expiry that a token is refreshed. None: a tenth of its life, at most"
    " 60.",
    "refresh_on": 'HTTP statuses that mean "this token is dead".',
    "revoke": "Whether a sign-out revokes at the provider too (RFC 7009).",
    "param_names": "Other names for what is sent to its token endpoint.",
    "token_response": "Where in its answer the fields of RFC 6749 5.1 are, as in"
    ' `{access_token = "details.accessToken"}`.',
    "scope_separator": "What stands between the scopes in its answers, where that is no space.",
    "scope_aliases": "The scopes that its answers call by another name than they were asked for by:"
    ' `{answered = "asked"}`.',
    "expires_format": "How `expires_at` reads there, in the letters of `strptime`.",
    "api_headers": "Headers for each request of a session, such as `Accept`.",
    "throttle": 'What is known of the API\'s limits: `statuses` that say "too many", `lockout` in'
    " seconds, its `scope` (`client` or `account`), and `limit` calls per `window` in seconds, to"
    " be warned in time.",
    "service": "What is different for service accounts: `token_endpoint`, `client_id`,"
    " `client_secret`, `client_auth`, `scopes`, `audience`, `token_params`. It has to be there, if"
    " only as `{}`, for the broker to issue their tokens to kernels.",
    "import_from": "Where another package keeps its sign-ins, for `jupyter auth import`: `paths` of"
    " JSON files, what has to stand in them (`matches`), and where the token came from"
    " (`token_endpoint`).",
    "paste": "Where a person finds the text that they paste: `url` of that page, and `hosts` that a"
    " token endpoint in it may be on.",
    "api_key": "What a static key is there: `parts` (their names, and what people call them),"
    " `headers` by origin (`*`: each other one) with `{part}` or `{part:head}` (before its first"
    " colon) in their values, `environment`, the variables for the parts, and `aliases`, other"
    " names for them in `session.api_keys`.",
    "credentials_from": "An installed package whose JSON file has a public client's credentials:"
    " `package`, `file`, and the names `client_id` and `client_secret` there.",
}
