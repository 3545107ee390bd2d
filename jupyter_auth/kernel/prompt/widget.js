// The widget's view; what it says comes from account_view.js, which goes before this text in the
// same module. What it shows comes in custom messages from the kernel and from the server's UI
// door, never in synced traits: those are saved with the notebook. For the same reason all text is
// set as text, and the sign-in is a real link: front ends block window.open.

const SILENCE = 5000; // ms after which a kernel that says nothing is taken for busy or gone
const TICK = 20000; // ms between two looks at the clock: durations are told in minutes

/** The Jupyter server of this page, or null: in VS Code and saved pages there is none to ask. */
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

/** The XSRF token of this page. Voilà's pages have none, and so may ask the server, but not act. */
function xsrf() {
  return document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/)?.[1];
}

/** One call of the UI door. Under a Hub even a GET with cookies needs the XSRF header. */
async function call(door, method, path, body) {
  const headers = { Accept: "application/json" };
  if (xsrf()) headers["X-XSRFToken"] = decodeURIComponent(xsrf());
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(new URL(path, door), {
    method,
    headers,
    body: body && JSON.stringify(body),
    cache: "no-store"
  });
  const data = await answer.json().catch(() => null);
  if (answer.ok && data) return data;
  throw Object.assign(new Error(sentence(data) || `The server answered ${answer.status}.`), {
    spoken: Boolean(data?.code) // said by jupyter_auth itself, not by whatever stands before it
  });
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

/** What is to be seen, as nodes: the link, the words and the controls. */
function nodes(seen, login, act, door) {
  const href = (door ? (login?.path ?? login?.url) : (login?.url ?? login?.path)) ?? "";
  const words = make("span", seen.says, { className: "jupyter-auth-says" });
  const controls = seen.actions.map(action => button(action, seen.about, act));
  // On a page of a server: where there is none, there is no such help either.
  if (seen.link && login.path)
    controls.unshift(link("Stuck at the provider?", `${href}#stuck`, ""));
  return {
    before: seen.link ? [link(seen.link, href, "jupyter-auth-go")] : [],
    words: [words, ...seen.details.map(text => make("small", text))],
    controls
  };
}

/** Show the account that the model names now; returns what takes it away again. */
function show({ model, el }) {
  const door = serverOfPage();
  const name = model.get("provider");
  const session_key = model.get("session_key");
  const key = encodeURIComponent(session_key);
  const query = `accounts?provider=${encodeURIComponent(name)}&session_key=${key}`;
  const said = titled(null, name);
  let state = { name, session_key };
  let heard = 0; // messages from the kernel: an answer fetched before one is older than it
  let attended = false; // whether the kernel has spoken since it was asked last
  let drawn = ""; // what is to be seen: nodes stay as they are, focus and all, until that changes
  let next;
  let ended = false; // what was asked for before has no place to be drawn then

  const root = make("div", "", { className: "jupyter-auth" });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Sign-in to ${said}`);
  const before = make("span", "", { className: "jupyter-auth-before" });
  const status = make("span", "Asking who is signed in …");
  status.setAttribute("role", "status");
  const controls = make("span", "", { className: "jupyter-auth-controls" });
  root.append(before, status, controls);
  el.append(root);
  const silence = setTimeout(() => {
    if (!root.dataset.look) status.textContent = `${said}: the kernel is busy or gone.`;
  }, SILENCE);
  const clock = setInterval(() => root.dataset.look && draw({}), TICK);

  function draw(changes) {
    if (ended) return;
    state = { ...state, ...changes };
    const seen = view(state, Date.now() / 1000);
    lookLater(seen);
    const what = JSON.stringify([seen, state.login?.id]);
    if (what === drawn) return;
    drawn = what;
    root.ariaBusy = null;
    const focused = root.contains(document.activeElement);
    const made = nodes(seen, state.login, act, door);
    root.dataset.look = seen.look;
    before.replaceChildren(...made.before);
    status.replaceChildren(...made.words);
    controls.replaceChildren(...made.controls);
    if (focused) root.querySelector("a, button")?.focus();
  }

  /** Whatever is not told in time has to be asked for: a login runs out, a kernel may be gone. */
  function lookLater({ look: kind }) {
    clearTimeout(next);
    if (kind !== "pending") return;
    const left = Math.max(state.login.expires_at * 1000 - Date.now(), 0) + 1000;
    next = setTimeout(look, attended ? left : Math.min(left, SILENCE));
  }

  function tell(kind) {
    attended = false;
    try {
      model.send({ kind });
    } catch {
      // The kernel is gone, or this is a saved notebook: the server is asked as well.
    }
  }

  /** What became of a login that is not under way any more. */
  async function outcome(login) {
    if (login?.status !== "pending") return login;
    return call(door, "GET", `logins/${login.id}`).catch(() => ({ ...login, status: "expired" }));
  }

  /** Ask anew. The server answers at once even where the kernel is busy. */
  async function look() {
    tell("look");
    if (!door) return;
    const before = heard;
    try {
      const [provider, { accounts, ended }, { logins }, usage] = await Promise.all([
        call(door, "GET", `providers/${encodeURIComponent(name)}`),
        call(door, "GET", "accounts"),
        call(door, "GET", "logins"),
        call(door, "GET", "usage")
      ]);
      const mine = each => each.provider === name && each.session_key === session_key;
      const login = logins.findLast(mine) ?? (await outcome(state.login));
      const found = { account: accounts.find(mine), ended: ended.find(mine), login };
      const limits = usage.limits.find(each => mine(each) && !each.client_id);
      // That a provider ended an account is known to the server alone.
      if (heard !== before) draw({ ended: found.ended });
      else draw({ provider, ...found, limits, problem: null });
    } catch {
      // No door on this server, or nobody signed in to Jupyter: what the kernel says counts.
    }
  }

  async function begin(wish) {
    const body = { provider: name, session_key, ...state.request, ...wish };
    draw({ login: await call(door, "POST", "logins", body), problem: null });
    root.querySelector("a.jupyter-auth-go")?.click(); // blocked? then the link stands there
  }

  const doors = {
    begin: () => begin({}),
    switch: () => begin({ force: true }),
    cancel: async () => draw({ login: await call(door, "DELETE", `logins/${state.login.id}`) }),
    logout: async () => {
      const { note } = await call(door, "DELETE", query);
      draw({ account: null, login: null, ended: null, note });
    }
  };

  async function act(action) {
    if (root.ariaBusy) return;
    root.ariaBusy = "true"; // and not disabled buttons: those lose the focus
    attended = false;
    drawn = ""; // whatever comes of it, the buttons are drawn anew
    try {
      if (door && xsrf()) return await doors[action]();
    } catch (error) {
      if (error.spoken) return draw({ problem: error.message });
    }
    tell(action); // no door for us: the kernel acts, and says what became of it
  }

  const hear = message => {
    if (message?.kind !== "state" || message.state.provider.name !== name) return;
    const gone = state.account && !message.state.account;
    heard += 1;
    attended = true;
    draw(message.state);
    if (gone) look(); // the server knows why
  };
  // Whoever comes back from the provider's tab wants to see what became of it.
  const back = () => {
    if (document.visibilityState === "visible" && root.dataset.look === "pending") look();
  };
  model.on("msg:custom", hear);
  document.addEventListener("visibilitychange", back);
  look();
  return () => {
    ended = true;
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
  const anew = () => {
    end();
    end = show({ model, el });
  };
  for (const name of names) model.on(name, anew);
  return () => {
    for (const name of names) model.off(name, anew);
    end();
  };
}

export default { render };
