// What the pages do by themselves. No code or token ever comes here: the server does that part.
"use strict";

(() => {
  const main = document.querySelector("main");
  const $ = (id) => document.getElementById(id);

  function xsrfToken() {
    const found = document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/);
    return found ? decodeURIComponent(found[1]) : "";
  }

  // The JSON that the server answers. Throws {message, hint}, to be shown to a person.
  async function ask(method, url, body) {
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
      throw { message: "Your Jupyter server does not answer.", hint: "Is it still running?" };
    }
    const data = await response.json().catch(() => null);
    if (response.ok && data) {
      return data;
    }
    throw data?.message
      ? data
      : { message: `Your Jupyter server answered ${response.status}.`, hint: "Reload this page." };
  }

  const loginUrl = () => `${main.dataset.api}logins/${main.dataset.login}`;

  function showTrouble({ message, hint }) {
    say("trouble-message", message);
    say("trouble-hint", hint || "");
    $("trouble").hidden = false;
  }

  // A screen reader reads again what is set again.
  function say(id, text) {
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

  // "moving", "ready" (waits for a click), "by-hand" (for an address) or "trouble"
  function become(state) {
    main.dataset.state = state;
    for (const each of main.querySelectorAll(".icon")) {
      each.hidden = each.id !== `icon-${state}`;
    }
    $("moving").hidden = ["by-hand", "trouble"].includes(state);
    $("again").hidden = ["by-hand", "moving"].includes(state);
    if ($("by-hand")) {
      $("by-hand").hidden = state !== "by-hand";
    }
  }

  async function leave() {
    $("trouble").hidden = true;
    become("moving");
    try {
      const answer = await ask("POST", location.pathname, { by_hand: Boolean(stuck) });
      if (answer.by_hand && $("by-hand")) {
        $("open").href = webAddress(answer.url);
        become("by-hand");
      } else {
        go(answer.url);
      }
    } catch (error) {
      showTrouble(error);
      $("continue").textContent = "Try again";
      become("trouble");
      await look();
    }
  }

  async function cancel() {
    $("cancel").disabled = true;
    try {
      await ask("DELETE", loginUrl());
      location.reload();
    } catch (error) {
      $("cancel").disabled = false;
      showTrouble(error);
    }
  }

  // Somebody who comes back to this tab after the login has ended should see how.
  async function look() {
    if (document.visibilityState !== "visible" || main.dataset.state === "moving") {
      return;
    }
    await lookAnew();
  }

  function pending() {
    $("continue").addEventListener("click", leave);
    document.addEventListener("visibilitychange", look);
    if (stuck) {
      $("help").open = true;
    }
    const asks = "ask" in main.dataset; // this browser is not tied to the server: nothing leaves
    if (asks || (stuck && !$("by-hand"))) {
      $("moving").firstChild.textContent = "You sign in at ";
      $("continue").textContent = $("continue").dataset.first;
      become("ready");
      $("moving").hidden = asks; // another sentence says it then
    } else {
      leave();
    }
  }

  // -- a device's code ---------------------------------------------------------------------------

  const LOOK = 1000; // ms between looks at how the login stands; the server keeps the provider's pace

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
    setInterval(watch, LOOK);
  }

  // Shows what keeps us from knowing, until it does not any more.
  async function watch() {
    const login = await ask("GET", loginUrl()).catch((error) => ({ status: "pending", error }));
    if (login.status !== "pending" || login.held) {
      location.reload();
    } else if (login.error) {
      showTrouble(login.error);
    } else {
      $("trouble").hidden = true;
    }
  }

  async function lookAnew() {
    const login = await ask("GET", loginUrl()).catch(() => null);
    if (login && login.status !== "pending") {
      location.reload();
    }
  }

  // -- forms --------------------------------------------------------------------------------------

  // By fetch, not by the browser: the policy of these pages lets no form leave.
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
    $("trouble").hidden = true;
    try {
      go((await ask("POST", form.dataset.to ?? location.pathname, body)).url);
    } catch (error) {
      showTrouble(error);
      form.querySelectorAll("[data-secret]").forEach((each) => (each.value = ""));
      form.querySelector("[data-secret]")?.focus();
      buttons.forEach((each) => (each.disabled = false));
      form.removeAttribute("aria-busy");
      await lookAnew();
    }
  }

  // -- outcomes ----------------------------------------------------------------------------------

  async function begin(grant) {
    const { provider, sessionKey } = $("restart").dataset;
    const body = { provider, session_key: sessionKey, grant };
    return (await ask("POST", `${main.dataset.api}logins`, body)).path;
  }

  async function restart({ currentTarget }) {
    currentTarget.disabled = true;
    try {
      go(await begin(currentTarget.dataset.grant));
    } catch (error) {
      currentTarget.disabled = false;
      showTrouble(error);
    }
  }

  // Another grant: for this login, or where it has ended for one that is begun anew.
  async function choose({ currentTarget }) {
    currentTarget.disabled = true;
    const grant = currentTarget.dataset.choose;
    try {
      const path = $("restart") ? await begin(grant) : location.pathname;
      go((await ask("POST", path, { grant })).url);
    } catch (error) {
      currentTarget.disabled = false;
      showTrouble(error);
    }
  }

  // -- copy buttons ------------------------------------------------------------------------------

  async function copy(button) {
    const source = $(button.dataset.copy);
    getSelection().selectAllChildren(source);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      document.execCommand("copy"); // over plain http there is no clipboard object
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button));
  }
  const uri = $("redirect-uri");
  if (uri?.dataset.path) {
    uri.textContent = location.origin + uri.dataset.path; // behind a proxy, only we know it
  }
  $("cancel")?.addEventListener("click", cancel);
  $("form")?.addEventListener("submit", submit);
  $("restart")?.addEventListener("click", restart);
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", choose);
  }
  if (main.dataset.page === "pending") {
    pending();
  } else if (main.dataset.page === "device") {
    device();
  } else if (main.dataset.page === "complete") {
    setTimeout(() => window.close(), 1500); // only where the browser lets a page do that
  }
})();
