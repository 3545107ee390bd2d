// The script of all pages. It never sees a code or a token: the server handles those.
"use strict";

(() => {
  const main = document.querySelector("main");
  const $ = (id) => document.getElementById(id);

  function xsrfToken() {
    const found = document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/);
    return found ? decodeURIComponent(found[1]) : "";
  }

  // The server's JSON response. Throws {message, hint}, to be shown on the page.
  async function call(method, url, body) {
    let response;
    try {
      response = await fetch(url, {
        method,
        headers: { "X-XSRFToken": xsrfToken(), "Content-Type": "application/json" },
        body: body ? JSON.stringify(body) : undefined,
        credentials: "same-origin",
        cache: "no-store",
      });
    } catch {
      throw { message: "Your Jupyter server is not responding.", hint: "Is it still running?" };
    }
    const data = await response.json().catch(() => null);
    if (response.ok && data) {
      return data;
    }
    throw data?.message
      ? data
      : { message: `Your Jupyter server returned HTTP ${response.status}.`, hint: "Reload this page." };
  }

  const loginUrl = () => `${main.dataset.api}logins/${main.dataset.login}`;

  const title = document.title;

  // The tab's title says it too: it is what a screen reader and a row of tabs begin with.
  function showTrouble({ message, hint }) {
    setText("trouble-message", message);
    setText("trouble-hint", hint || "");
    $("trouble").hidden = false;
    document.title = `${message} · ${title}`;
  }

  function hideTrouble() {
    $("trouble").hidden = true;
    document.title = title;
  }

  // A screen reader repeats any text that is set again.
  function setText(id, text) {
    if ($(id).textContent !== text) {
      $(id).textContent = text;
    }
  }

  function webAddress(url) {
    const target = new URL(url, location.href);
    if (!["https:", "http:"].includes(target.protocol)) {
      throw { message: "The provider's address is not a web address.", hint: "" };
    }
    return target.href;
  }

  const go = (url) => location.replace(webAddress(url));

  // -- a pending login ---------------------------------------------------------------------------

  const stuck = location.hash === "#stuck" && $("help");

  // "moving", "ready" (waits for a click), "by-hand" (waits for an address) or "trouble"
  function setState(state) {
    main.dataset.state = state;
    for (const each of main.querySelectorAll(".icon")) {
      each.hidden = each.id !== `icon-${state}`;
    }
    $("moving").hidden = ["by-hand", "trouble"].includes(state);
    $("again").hidden = ["by-hand", "moving"].includes(state);
    for (const [id, its] of [["by-hand", "by-hand"], ["edit", "trouble"]]) {
      if ($(id)) {
        $(id).hidden = state !== its;
      }
    }
  }

  async function leave() {
    hideTrouble();
    setState("moving");
    try {
      const answer = await call("POST", location.pathname, { by_hand: Boolean(stuck) });
      if (answer.by_hand && $("by-hand")) {
        $("open").href = webAddress(answer.url);
        setState("by-hand");
        $("open").focus();
      } else {
        go(answer.url);
      }
    } catch (error) {
      showTrouble(error);
      $("continue").textContent = "Try again";
      setState("trouble");
      $("trouble").focus();
      await reloadWhenSeen();
    }
  }

  // The browser comes back by itself, and is sent on; nothing is said if it cannot leave.
  async function arrive() {
    const { next } = main.dataset;
    const answer = await call("POST", location.pathname, { next }).catch(() => ({ url: next }));
    go(answer.url);
  }

  async function cancel() {
    $("cancel").disabled = true;
    try {
      await call("DELETE", loginUrl());
      location.reload();
    } catch (error) {
      $("cancel").disabled = false;
      showTrouble(error);
      $("trouble").focus();
    }
  }

  // Show how the login ended to a person who comes back to this tab.
  async function reloadWhenSeen() {
    if (document.visibilityState !== "visible" || main.dataset.state === "moving") {
      return;
    }
    await reloadIfEnded();
  }

  function pending() {
    $("continue").addEventListener("click", leave);
    document.addEventListener("visibilitychange", reloadWhenSeen);
    if (stuck) {
      $("help").open = true;
    }
    const asks = "ask" in main.dataset; // this server does not know the browser: wait for a click
    if ("said" in main.dataset) {
      setState("trouble"); // the provider has just sent the browser back with an error
      document.title = `${$("said").textContent} · ${title}`;
      $("continue").focus();
    } else if (asks || (stuck && !$("by-hand"))) {
      $("moving").firstChild.textContent = "You will sign in at ";
      $("continue").textContent = $("continue").dataset.first;
      setState("ready");
      $("moving").hidden = asks; // the notice says it already
      if (!asks) {
        $("continue").focus(); // else a key that is held down would agree to what nobody has read
      }
    } else {
      leave();
    }
  }

  // -- a device's code ---------------------------------------------------------------------------

  const POLL = 1000; // ms between requests to this server, which polls the provider at its own pace

  function device() {
    const end = performance.now() + Number(main.dataset.secondsLeft) * 1000;
    const show = () => {
      const left = Math.max(0, Math.round((end - performance.now()) / 1000));
      $("countdown").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      $("countdown").dateTime = `PT${left}S`;
    };
    show();
    setInterval(show, 1000);
    watch();
    setInterval(watch, POLL);
  }

  // Follows the login, and shows an error for as long as it lasts.
  async function watch() {
    const login = await call("GET", loginUrl()).catch((error) => ({ status: "pending", error }));
    if (login.status !== "pending" || login.held) {
      location.reload();
    } else if (login.error) {
      showTrouble(login.error);
    } else {
      hideTrouble();
    }
  }

  async function reloadIfEnded() {
    const login = await call("GET", loginUrl()).catch(() => null);
    if (login && login.status !== "pending") {
      location.reload();
    }
  }

  // -- forms --------------------------------------------------------------------------------------

  // By fetch: the content security policy of these pages forbids form submission.
  async function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const pressed = event.submitter ?? form.querySelector("button[type=submit]");
    const body = form.dataset.host ? { host: form.dataset.host } : {};
    for (const [name, value] of new FormData(form)) {
      const [table, field] = name.split("."); // "key.part" is a field of a table
      if (field) {
        body[table] = { ...body[table], [field]: value };
      } else {
        body[name] = value;
      }
    }
    if (pressed.name) {
      body[pressed.name] = pressed.value;
    }
    const buttons = form.querySelectorAll("button");
    buttons.forEach((each) => (each.disabled = true));
    form.setAttribute("aria-busy", "true");
    hideTrouble();
    try {
      go((await call("POST", form.dataset.to ?? location.pathname, body)).url);
    } catch (error) {
      showTrouble(error);
      const secrets = [...form.querySelectorAll("[data-secret]")];
      const again = secrets.filter((each) => each.value); // to be entered again
      again.forEach((each) => (each.value = ""));
      (again[0] ?? $("trouble")).focus();
      buttons.forEach((each) => (each.disabled = false));
      form.removeAttribute("aria-busy");
      await reloadIfEnded();
    }
  }

  // -- outcomes ----------------------------------------------------------------------------------

  async function begin(grant) {
    const { provider, sessionKey } = $("restart").dataset;
    const body = { provider, session_key: sessionKey, grant };
    return (await call("POST", `${main.dataset.api}logins`, body)).path;
  }

  // ``query`` chooses a page of the new login.
  async function restart({ currentTarget }, query = "") {
    currentTarget.disabled = true;
    try {
      go((await begin($("restart").dataset.grant)) + query);
    } catch (error) {
      currentTarget.disabled = false;
      showTrouble(error);
      $("trouble").focus();
    }
  }

  // Use another grant: for this login, or for a new one if it has ended.
  async function choose({ currentTarget }) {
    currentTarget.disabled = true;
    const grant = currentTarget.dataset.choose;
    try {
      const path = $("restart") ? await begin(grant) : location.pathname;
      go((await call("POST", path, { grant })).url);
    } catch (error) {
      currentTarget.disabled = false;
      showTrouble(error);
      $("trouble").focus();
    }
  }

  // -- copy buttons ------------------------------------------------------------------------------

  async function copy(button) {
    const source = $(button.dataset.copy);
    getSelection().selectAllChildren(source);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      document.execCommand("copy"); // plain http has no clipboard object
    }
    button.textContent = "Copied";
    $("announced").textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
      $("announced").textContent = ""; // so that it is said again the next time
    }, 2000);
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button));
  }
  $("reached").textContent = location.host; // behind a proxy, only known here
  const uri = $("redirect-uri");
  if (uri?.dataset.path) {
    uri.textContent = location.origin + uri.dataset.path; // likewise
  }
  $("cancel")?.addEventListener("click", cancel);
  document.querySelectorAll("form").forEach((each) => each.addEventListener("submit", submit));
  if ($("restart")) {
    $("restart").addEventListener("click", (clicked) => restart(clicked));
    $("edit")?.addEventListener("click", (clicked) => restart(clicked, "?edit"));
  }
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", choose);
  }
  // Over plain http from elsewhere a browser does not say that a page is the server's own.
  const own = main.dataset.own?.split(" ") ?? [location.host];
  const hidden = !own.includes(location.host) && !own.includes(location.origin);
  if (hidden && !isSecureContext && $("trouble")) {
    showTrouble({
      message: "A proxy hides this server's address, so you cannot sign in here yet.",
      hint: `Set c.JupyterAuth.public_url = "${location.origin}" in the configuration of this Jupyter server, and restart it.`,
    });
    document.querySelectorAll("button:not([data-copy])").forEach((each) => (each.disabled = true));
    if (main.dataset.page === "pending") {
      setState("trouble");
    }
  } else if (main.dataset.page === "arrive") {
    arrive();
  } else if (main.dataset.page === "pending") {
    pending();
  } else if (main.dataset.page === "device") {
    device();
  } else if (main.dataset.page === "fragment" && location.hash) {
    location.replace(`?${location.hash.slice(1)}`); // where some providers put their answer
  } else if (main.dataset.page === "complete") {
    setTimeout(() => window.close(), 1500); // if the browser allows it
  }
})();
