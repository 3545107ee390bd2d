// The provider's own pages: plain forms, no script, nothing loaded from elsewhere. They look
// different from Jupyter on purpose, so that a screenshot shows whose page it is.

const STYLE = `
  :root { color-scheme: light dark; --ink: #1c2733; --paper: #fff; --ground: #e8eef4;
          --line: #b9c6d3; --accent: #14532d; --on-accent: #fff; --bad: #b42318; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6edf3; --paper: #1b2430; --ground: #0e141b; --line: #3a4856;
            --accent: #4ade80; --on-accent: #06240f; --bad: #ff8a80; } }
  * { box-sizing: border-box }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center;
         background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
  main { width: min(24rem, calc(100vw - 2rem)); padding: 2rem; border-radius: 10px;
         background: var(--paper); border: 1px solid var(--line) }
  h1 { margin: 0 0 .25rem; font-size: 1.35rem }
  .brand { margin: 0 0 1.5rem; font-size: .85rem; opacity: .75 }
  label { display: block; margin: 1rem 0 .25rem; font-size: .9rem }
  input:not([type=hidden]) { width: 100%; padding: .6rem; font: inherit; color: inherit;
         background: transparent; border: 1px solid var(--line); border-radius: 6px }
  button { margin: 1.25rem .5rem 0 0; padding: .6rem 1.4rem; font: inherit; cursor: pointer;
         border: 1px solid var(--accent); border-radius: 6px;
         background: var(--accent); color: var(--on-accent) }
  button.plain { background: transparent; color: inherit; border-color: var(--line) }
  li { margin: .25rem 0 }
  .error { color: var(--bad); font-weight: 600 }
  code { font-size: 1.6rem; letter-spacing: .1em }`;

const SCOPES = {
  openid: 'Know who you are',
  profile: 'See your name',
  email: 'See your e-mail address',
  offline_access: 'Keep access while you are away',
};

export const escape = (text) => String(text).replace(
  /[&<>"']/g,
  (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c],
);

export const page = (title, body) => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>${STYLE}</style></head>
<body><main><p class="brand">Example University</p><h1>${escape(title)}</h1>${body}</main></body>
</html>`;

const error = (text) => (text ? `<p class="error" role="alert">${escape(text)}</p>` : '');

export const loginPage = ({ action, client, username = '', problem }) => page('Sign in', `
  <p>to continue to <strong>${escape(client)}</strong></p>${error(problem)}
  <form method="post" action="${escape(action)}">
    <label for="username">User name</label>
    <input id="username" name="username" value="${escape(username)}" autocomplete="username"
           autofocus required>
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" required>
    <button name="decision" value="login">Sign in</button>
    <button class="plain" name="decision" value="deny" formnovalidate>Cancel</button>
  </form>`);

export const consentPage = ({ action, client, user, scopes }) => page('Allow access?', `
  <p><strong>${escape(client)}</strong> asks to act for <strong>${escape(user)}</strong>:</p>
  <ul>${scopes.map((scope) => `<li>${escape(SCOPES[scope] ?? scope)}</li>`).join('')}</ul>
  <form method="post" action="${escape(action)}">
    <button name="decision" value="allow" autofocus>Allow</button>
    <button class="plain" name="decision" value="deny">Deny</button>
  </form>`);

export const errorPage = (out) => page('Something went wrong', Object.entries(out)
  .map(([key, value]) => `<p><strong>${escape(key)}</strong>: ${escape(value)}</p>`).join(''));

// The forms below are the library's own (with its XSRF token); only the page around them is ours.

export const devicePage = (form, problem) => page('Connect a device', `
  <p>Enter the code that your device shows.</p>
  ${error(problem && 'This code is not known, or no longer.')}${form}
  <button form="op.deviceInputForm">Continue</button>`);

export const deviceConfirmPage = (form, client, userCode) => page('Connect a device', `
  <p>Does <strong>${escape(client)}</strong> show this code?</p>
  <p><code>${escape(userCode)}</code></p>${form}
  <button form="op.deviceConfirmForm" autofocus>Continue</button>
  <button class="plain" form="op.deviceConfirmForm" name="abort" value="yes">Abort</button>`);

export const logoutPage = (form) => page('Sign out', `${form}
  <button form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
