// The widget's view. Its texts are in account_view.js, which precedes this code in the same module.
// State comes in custom messages from the kernel and from the server's browser API, never in synced
// traits: those are saved with the notebook. For the same reason all text is set as text, and the
// sign-in is a real link: front ends block window.open.

const SILENCE = 5000; // ms after which a silent kernel counts as busy or stopped
const TICK = 20000; // ms between redraws: durations are shown in minutes

/** The browser API of this page's Jupyter server; null in VS Code and in saved pages. */
function serverOfPage() {
  const config = document.getElementById("jupyter-config-data");
  if (!config) return null;
  try {
    const base = new URL(JSON.parse(config.textContent).baseUrl ?? "/", location.href);
    return base.origin === location.origin ? new URL("jupyter-auth/api/v1/", base) : null;
  } catch {
    return null;
  }
}

/** The XSRF token of this page. Voilà's and Solara's pages have none, nor perhaps our server. */
function xsrf() {
  return document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/)?.[1];
}

/** Call the browser API. On a JupyterHub even a GET with cookies needs the XSRF header. */
async function call(api, method, path, body) {
  const headers = { Accept: "application/json" };
  if (xsrf()) headers["X-XSRFToken"] = decodeURIComponent(xsrf());
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(new URL(path, api), {
    method,
    headers,
    body: body && JSON.stringify(body),
    cache: "no-store"
  });
  const data = await answer.json().catch(() => null);
  if (answer.ok && data) return data;
  throw Object.assign(
    new Error(sentence(data) || trans.__("The Jupyter server returned HTTP %1.", answer.status)),
    { ours: Boolean(data?.code) } // from jupyter_auth, not from a proxy in front of it
  );
}

function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text }, properties);
}

function link(text, href, className) {
  return make("a", text, { href, className, target: "_blank", rel: "noopener" });
}

function button({ name, label }, about, act) {
  const className = name === "begin" ? "jupyter-auth-go" : "";
  const node = make("button", label, { type: "button", className });
  node.setAttribute("aria-label", `${label}: ${about}`);
  node.addEventListener("click", () => act(name));
  return node;
}

/** The link, the words and the controls, as nodes. */
function nodes(seen, login, act, api) {
  const href = (api ? (login?.path ?? login?.url) : (login?.url ?? login?.path)) ?? "";
  const words = make("span", seen.says, { className: "jupyter-auth-says" });
  const controls = seen.actions.map(action => button(action, seen.about, act));
  // The help is on a page of the server: without one there is none.
  const help = trans.__("Trouble signing in?");
  if (seen.link && login.path) controls.unshift(link(help, `${href}#stuck`, ""));
  return {
    before: seen.link ? [link(seen.link, href, "jupyter-auth-go")] : [],
    words: [words, ...seen.details.map(({ text, tip: title }) => make("small", text, { title }))],
    controls,
    scopes: seen.scopes.length > 0 ? [folded(seen.scopes)] : []
  };
}

/** The scopes of an account, which few people read. */
function folded(scopes) {
  const node = make("details", "");
  const summary = trans._n("%1 scope", "%1 scopes", scopes.length);
  node.append(make("summary", summary), make("small", scopes.join(" ")));
  return node;
}

/** Show the account that the model names; returns the function that removes it. */
function show({ model, el }) {
  const api = serverOfPage();
  const name = model.get("provider");
  const session_key = model.get("session_key");
  const key = encodeURIComponent(session_key);
  const query = `accounts?provider=${encodeURIComponent(name)}&session_key=${key}`;
  const title = providerTitle(null, name);
  let state = { name, session_key };
  let heard = 0; // messages from the kernel; a response fetched before the latest one is outdated
  let attended = false; // whether the kernel has spoken since it was last asked
  let drawn = ""; // what is shown: the nodes, and their focus, stay until that changes
  let next;
  let removed = false; // responses that arrive later are not drawn

  const root = make("div", "", { className: "jupyter-auth" });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", trans.__("Sign-in to %1", title));
  const before = make("span", "", { className: "jupyter-auth-before" });
  const status = make("span", trans.__("Checking who is signed in …"));
  status.setAttribute("role", "status");
  const controls = make("span", "", { className: "jupyter-auth-controls" });
  const scopes = make("span", "");
  root.append(before, status, controls, scopes);
  el.append(root);
  const silence = setTimeout(() => {
    if (root.dataset.look) return;
    status.textContent = trans.__("%1: the kernel is busy or has stopped.", title);
  }, SILENCE);
  const clock = setInterval(() => root.dataset.look && draw({}), TICK);

  function draw(changes) {
    if (removed) return;
    state = { ...state, ...changes };
    const seen = view(state, Date.now() / 1000);
    lookLater(seen);
    const shown = JSON.stringify([seen, state.login?.id]);
    if (shown === drawn) return;
    drawn = shown;
    root.ariaBusy = null;
    const focused = root.contains(document.activeElement);
    const made = nodes(seen, state.login, act, api);
    root.dataset.look = seen.look;
    before.replaceChildren(...made.before);
    status.replaceChildren(...made.words);
    controls.replaceChildren(...made.controls);
    if (scopes.textContent !== (made.scopes[0]?.textContent ?? ""))
      scopes.replaceChildren(...made.scopes);
    if (focused && !root.contains(document.activeElement)) root.querySelector("a, button")?.focus();
  }

  /** Look again once the login has expired, or earlier if the kernel stays silent. */
  function lookLater({ look: kind }) {
    clearTimeout(next);
    if (kind !== "pending") return;
    const left = Math.max(state.login.expires_at * 1000 - Date.now(), 0) + 1000;
    next = setTimeout(look, attended ? left : Math.min(left, SILENCE));
  }

  function send(kind) {
    attended = false;
    try {
      model.send({ kind });
    } catch {
      // The kernel has stopped, or this is a saved notebook: the server is asked as well.
    }
  }

  /** How a login ended that is no longer pending. */
  async function outcome(login) {
    if (login?.status !== "pending") return login;
    return call(api, "GET", `logins/${login.id}`).catch(({ message }) => ({
      ...login,
      status: "expired",
      outcome: { title: "", text: message, tone: "late" }
    }));
  }

  /** Ask kernel and server. The server answers at once even while the kernel is busy. */
  async function look() {
    send("look");
    if (!api || !xsrf()) return;
    const before = heard;
    try {
      const [provider, { accounts }, { logins }, usage] = await Promise.all([
        call(api, "GET", `providers/${encodeURIComponent(name)}`),
        call(api, "GET", "accounts"),
        call(api, "GET", "logins"),
        call(api, "GET", "usage")
      ]);
      const mine = each => each.provider === name && each.session_key === session_key;
      const login = logins.findLast(mine) ?? (await outcome(state.login));
      const account = accounts.find(mine);
      const limits = usage.limits.find(each => mine(each) && !each.client_id);
      if (heard === before) draw({ provider, account, login, limits, problem: null });
    } catch {
      // No browser API on this server, or no sign-in to Jupyter: the kernel's word counts.
    }
  }

  async function begin(options) {
    const body = { provider: name, session_key, ...state.request, ...options };
    draw({ login: await call(api, "POST", "logins", body), problem: null });
    root.querySelector("a.jupyter-auth-go")?.click(); // if blocked, the link stays
  }

  const actions = {
    begin: () => begin({}),
    switch: () => begin({ force: true }),
    cancel: async () => draw({ login: await call(api, "DELETE", `logins/${state.login.id}`) }),
    logout: async () => {
      const { note } = await call(api, "DELETE", query);
      draw({ account: null, login: null, note });
    }
  };

  async function act(action) {
    if (root.ariaBusy) return;
    root.ariaBusy = "true"; // not disabled buttons: those lose the focus
    attended = false;
    drawn = ""; // draw the buttons again in any case
    try {
      if (api && xsrf()) return await actions[action]();
    } catch (error) {
      if (error.ours) return draw({ problem: error.message });
    }
    send(action); // without the browser API the kernel acts, and reports
  }

  const hear = message => {
    if (message?.kind !== "state" || message.state.provider.name !== name) return;
    heard += 1;
    attended = true;
    draw(message.state);
  };
  // On the way back from the provider's tab, show how the login ended.
  const back = () => {
    if (document.visibilityState === "visible" && root.dataset.look === "pending") look();
  };
  model.on("msg:custom", hear);
  document.addEventListener("visibilitychange", back);
  look();
  return () => {
    removed = true;
    model.off("msg:custom", hear);
    document.removeEventListener("visibilitychange", back);
    clearTimeout(silence);
    clearInterval(clock);
    clearTimeout(next);
    root.remove();
  };
}

function render({ model, el }) {
  const names = ["change:provider", "change:session_key"];
  let end = show({ model, el });
  const again = () => {
    end();
    end = show({ model, el });
  };
  for (const name of names) model.on(name, again);
  return () => {
    for (const name of names) model.off(name, again);
    end();
  };
}

export default { render };
