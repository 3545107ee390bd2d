// The view of one account. What it shows comes in custom messages from the kernel and from the
// server's UI door, never in synced traits: those are saved with the notebook. For the same
// reason all text is set as text, and the sign-in is a real link: front ends block window.open.

const SILENCE = 5000; // ms after which a kernel that says nothing is taken for busy or gone

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

/** One call of the UI door. Under a Hub even a GET with cookies needs the XSRF header. */
async function call(door, method, path, body) {
  const xsrf = document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/);
  const headers = { Accept: "application/json" };
  if (xsrf) headers["X-XSRFToken"] = decodeURIComponent(xsrf[1]);
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(new URL(path, door), {
    method,
    headers,
    body: body && JSON.stringify(body),
    cache: "no-store",
  });
  const data = await answer.json().catch(() => null);
  if (answer.ok && data) return data;
  throw Object.assign(new Error(sentence(data) || `The server answered ${answer.status}.`), {
    spoken: Boolean(data?.code), // said by jupyter_auth itself, not by whatever stands before it
  });
}

function sentence(error) {
  return [error?.message, error?.hint].filter(Boolean).join(" ");
}

function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text }, properties);
}

function link(text, href, className) {
  return make("a", text, { href, className, target: "_blank", rel: "noopener" });
}

function time(seconds) {
  const date = new Date(seconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

function howLong({ expires_at, refreshes }) {
  if (refreshes) return "Refreshes by itself";
  return expires_at ? `Until ${time(expires_at)}, then sign in again` : "Until you sign out";
}

const ENDED = {
  denied: "The sign-in was denied.",
  expired: "Nobody signed in in time.",
  cancelled: "The sign-in was cancelled.",
  failed: "The sign-in failed. Nothing was stored.",
};

/** What is to be seen of a state: a name for the style, a sentence, a detail and the controls. */
function view(state, act, door) {
  const { provider, account, login, problem } = state;
  const title = provider?.title ?? state.name;
  const button = (text, action) => {
    const className = action === "begin" ? "jupyter-auth-go" : "";
    const node = make("button", text, { type: "button", className, title: `${text}: ${title}` });
    node.addEventListener("click", () => act(action));
    return node;
  };
  if (problem) return { look: "failed", says: problem, controls: [button("Try again", "begin")] };
  if (login?.status === "pending") {
    const href = (door ? login.path ?? login.url : login.url ?? login.path) ?? "";
    const stuck = link("Stuck at the provider?", `${href}#stuck`, ""); // on a page of a server
    return {
      look: "pending",
      says: [
        state.code ? `Your code is ${state.code}.` : "",
        provider ? `You will sign in at ${provider.host}.` : "",
      ].join(" ").trim(),
      before: [link(`Sign in to ${title}`, href, "jupyter-auth-go")],
      controls: [...(login.path ? [stuck] : []), button("Cancel", "cancel")],
    };
  }
  if (account) {
    const scopes = account.scope ? [`Scopes: ${account.scope}`] : [];
    return {
      look: "in",
      says: `Signed in to ${title}${account.username ? ` as ${account.username}` : ""}`,
      detail: [howLong(account), ...scopes, state.limit, account.warning].filter(Boolean).join(" · "),
      controls: [button("Sign out", "logout")],
    };
  }
  if (login && login.status !== "complete") {
    const says = sentence(login.error) || ENDED[login.status] || ENDED.failed;
    return { look: "failed", says, controls: [button("Try again", "begin")] };
  }
  return {
    look: "out",
    says: `Not signed in to ${title}.`,
    detail: state.note,
    controls: [button("Sign in", "begin")],
  };
}

function render({ model, el }) {
  const door = serverOfPage();
  const name = model.get("provider");
  const key = model.get("session_key");
  const query = `accounts?provider=${encodeURIComponent(name)}&session_key=${encodeURIComponent(key)}`;
  let state = { name };
  let heard = 0; // messages from the kernel: an answer fetched before one is older than it
  let attended = false; // whether the kernel has spoken since it was asked last
  let next;

  const root = make("div", "", { className: "jupyter-auth" });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Sign-in to ${name}`);
  const before = make("span", "", { className: "jupyter-auth-before" });
  const status = make("span", "Asking who is signed in …");
  status.setAttribute("role", "status");
  const controls = make("span", "", { className: "jupyter-auth-controls" });
  root.append(before, status, controls);
  el.append(root);
  const silence = setTimeout(() => {
    if (!root.dataset.look) status.textContent = `${name}: the kernel is busy or gone.`;
  }, SILENCE);

  function draw(next) {
    state = { ...state, ...next };
    const seen = view(state, act, door);
    const focused = root.contains(document.activeElement);
    root.dataset.look = seen.look;
    before.replaceChildren(...(seen.before ?? []));
    status.replaceChildren(make("span", seen.says, { className: "jupyter-auth-says" }));
    if (seen.detail) status.append(" ", make("small", seen.detail));
    controls.replaceChildren(...seen.controls);
    if (focused) root.querySelector("a, button")?.focus();
    clearTimeout(next);
    if (seen.look === "pending") {
      const left = Math.max(state.login.expires_at * 1000 - Date.now(), 0) + 1000;
      next = setTimeout(look, attended ? left : Math.min(left, SILENCE));
    }
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
  async function ended(login) {
    if (login?.status !== "pending") return login;
    return call(door, "GET", `logins/${login.id}`).catch(() => ({ ...login, status: "expired" }));
  }

  /** Ask anew. The server answers at once even where the kernel is busy. */
  async function look() {
    tell("look");
    if (!door) return;
    const before = heard;
    try {
      const [provider, { accounts }, { logins }] = await Promise.all([
        call(door, "GET", `providers/${encodeURIComponent(name)}`),
        call(door, "GET", "accounts"),
        call(door, "GET", "logins"),
      ]);
      const mine = (each) => each.provider === name && each.session_key === key;
      const login = logins.findLast(mine) ?? (await ended(state.login));
      if (heard === before) draw({ provider, account: accounts.find(mine), login, problem: null });
    } catch {
      // No door on this server, or nobody signed in to Jupyter: what the kernel says counts.
    }
  }

  const doors = {
    begin: async () => {
      const body = { provider: name, session_key: key, ...state.request };
      draw({ login: await call(door, "POST", "logins", body), problem: null });
      root.querySelector("a.jupyter-auth-go")?.click(); // blocked? then the link stands there
    },
    cancel: async () => draw({ login: await call(door, "DELETE", `logins/${state.login.id}`) }),
    logout: async () => {
      const { note } = await call(door, "DELETE", query);
      draw({ account: null, login: null, note });
    },
  };

  async function act(action) {
    attended = false;
    for (const each of controls.querySelectorAll("button")) each.disabled = true;
    try {
      if (door) return await doors[action]();
    } catch (error) {
      if (error.spoken) return draw({ problem: error.message });
    }
    tell(action); // no door: the kernel acts, and says what became of it
  }

  const hear = (message) => {
    if (message?.kind !== "state") return;
    heard += 1;
    attended = true;
    draw(message.state);
  };
  // Whoever comes back from the provider's tab wants to see what became of it.
  const back = () => document.visibilityState === "visible" && root.dataset.look === "pending" && look();
  model.on("msg:custom", hear);
  document.addEventListener("visibilitychange", back);
  look();
  return () => {
    model.off("msg:custom", hear);
    document.removeEventListener("visibilitychange", back);
    clearTimeout(silence);
    clearTimeout(next);
  };
}

export default { render };
