// The texts and actions of one account: pure functions of plain values, for the widget in a cell
// and for JupyterLab's panel. Times are in seconds since 1970, as the server's are.

export const DEFAULT_KEY = "default";

function filled(text, values) {
  return text.replace(/%(\d)/g, (_, place) => values[place - 1]);
}

/**
 * The texts in this front end's language: English until `speak` gives JupyterLab's translations.
 * %1, %2 … stand for the values after the text; for `_n`, %1 is the number.
 */
export const trans = {
  __: (text, ...values) => filled(text, values),
  _n: (one, many, n, ...values) => filled(n === 1 ? one : many, [n, ...values])
};

/** Take the texts from a translation bundle of JupyterLab. */
export function speak(bundle) {
  trans.__ = (...given) => bundle.__(...given);
  trans._n = (...given) => bundle._n(...given);
}

/** The server's own message and hint for an error. */
export function sentence(error) {
  return [error?.message, error?.hint].filter(Boolean).join(" ");
}

/** Separates the name of a provider defined in a notebook from the digest of its definition. */
const MARK = "~";

/** A provider's name without that digest. */
export function plainName(name) {
  return name.split(MARK)[0];
}

/** A provider's title (its name while it is not known), marked where a notebook defines it. */
export function providerTitle(provider, name) {
  const title = provider?.title ?? plainName(name);
  return name.includes(MARK) ? trans.__("%1 (defined in a notebook)", title) : title;
}

function whose(title, username) {
  return username ? trans.__("%1 as %2", title, username) : title;
}

/** The label of a second account in brackets, "" for the default one. */
export function keySuffix(session_key) {
  return session_key && session_key !== DEFAULT_KEY ? ` (${session_key})` : "";
}

export function signedIn(title, username) {
  return trans.__("Signed in to %1", whose(title, username));
}

/** Seconds, rounded to minutes, hours or days. */
export function duration(seconds) {
  if (seconds < 90) return trans.__("a minute");
  if (seconds < 90 * 60) return trans._n("%1 minute", "%1 minutes", Math.round(seconds / 60));
  if (seconds < 36 * 3600) return trans._n("%1 hour", "%1 hours", Math.round(seconds / 3600));
  return trans._n("%1 day", "%1 days", Math.round(seconds / 86400));
}

/** Whether new tokens come by themselves. */
function renewable({ refreshes, trouble }) {
  return refreshes && !trouble;
}

/** Whether the account has expired and is not renewed. */
export function hasExpired(account, now) {
  const { expires_at } = account;
  return expires_at !== null && expires_at <= now && !renewable(account);
}

/** Who is signed in, or whose sign-in has expired. */
export function accountStatus(account, title, now) {
  if (!hasExpired(account, now)) return signedIn(title, account.username);
  const who = whose(title, account.username);
  if (account.trouble) return trans.__("Sign-in needed for %1", who);
  return trans.__("Your sign-in to %1 has expired", who);
}

/** The same where the provider is named beside it. */
function briefly(account, now) {
  const { username, trouble } = account;
  if (!hasExpired(account, now)) return username || trans.__("Signed in");
  const says = trouble ? trans.__("Sign-in needed") : trans.__("Sign-in expired");
  return [username, says].filter(Boolean).join(" · ");
}

/** How long the account stays signed in. */
export function lifetime(account, now) {
  const { expires_at: end } = account;
  if (end === null) return trans.__("Does not expire");
  if (hasExpired(account, now)) return trans.__("Sign in again to use it");
  if (renewable(account)) return trans.__("Stays signed in");
  return trans.__("Expires in %1, then sign in again", duration(end - now));
}

/** When an account's token is renewed, "" if it is not. */
export function renewal(account, now) {
  const { expires_at: end } = account;
  if (end === null || !renewable(account)) return "";
  if (end <= now) return trans.__("The access token is renewed when it is next used.");
  return trans.__("The access token is renewed automatically, next by %1.", clock(end, now));
}

/** A time of day, with the date unless it is today. */
function clock(moment, now) {
  const [then, today] = [new Date(moment * 1000), new Date(now * 1000)];
  return then.toDateString() === today.toDateString()
    ? then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : then.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** What the account's API allows for now, "" if it did not say. */
export function limitWords(limits, now) {
  if (limits?.throttled_until > now)
    return trans.__("API calls paused until %1", clock(limits.throttled_until, now));
  const { limit, remaining, reset_at } = limits?.quota ?? {};
  if (typeof remaining !== "number") return "";
  if (typeof reset_at === "number" && reset_at <= now) return ""; // full again
  const left =
    typeof limit === "number"
      ? trans.__("%1 of %2 calls left", remaining, limit)
      : trans._n("%1 call left", "%1 calls left", remaining);
  return reset_at ? trans.__("%1 until %2", left, clock(reset_at, now)) : left;
}

/** The notebooks that use an account: up to three by name, "" for none. */
export function usersOf(limits) {
  const names = limits?.notebooks ?? [];
  if (names.length === 0) return "";
  const named = names.length > 3 ? names.slice(0, 2) : names.slice(0, -1);
  const more = names.length - named.length;
  const last = names.length > 3 ? trans._n("%1 more", "%1 more", more) : names.at(-1);
  const all = named.length > 0 ? trans.__("%1 and %2", named.join(", "), last) : last;
  return trans.__("Used by %1", all);
}

/** The notebook or kernel that requested a login; "" for one started by a person here. */
function requester({ kernel, notebook }) {
  return notebook || (kernel ? trans.__("a kernel") : "");
}

/** Where a login leads, "" if to this server or not known yet. */
export function destination({ host }) {
  return host ? trans.__("Opens %1 in a new tab.", host) : "";
}

/** What people should know before they sign in, "" if nothing. */
export function caution({ shared }) {
  if (!shared) return "";
  return trans.__("Everyone who uses this Jupyter server will be able to use this account.");
}

/** Which notebook or kernel needs a sign-in. */
export function needed(login, title) {
  const who = login.notebook || trans.__("A kernel");
  if (login.grant === "consent") return trans.__("%1 wants to use %2", who, title);
  return trans.__("%1 needs you to sign in to %2", who, title + keySuffix(login.session_key));
}

/** The names are those of the messages that the widget sends to its kernel. */
const signIn = () => ({ name: "begin", label: trans.__("Sign in") });
const signInAgain = () => ({ name: "begin", label: trans.__("Sign in again") });
const tryAgain = () => ({ name: "begin", label: trans.__("Try again") });
const switchAccount = () => ({ name: "switch", label: trans.__("Switch account") });
const cancel = () => ({ name: "cancel", label: trans.__("Cancel") });
const signOut = () => ({ name: "logout", label: trans.__("Sign out") });

function labelOf(session_key) {
  return session_key && session_key !== DEFAULT_KEY && trans.__("Label: %1", session_key);
}

function pending({ login, session_key, code }, title) {
  const consent = login.grant === "consent";
  const who = !consent && requester(login);
  return {
    look: "pending",
    link: consent ? trans.__("Review…") : trans.__("Sign in to %1", title),
    says: consent ? needed(login, title) : destination(login),
    details: [
      login.error && sentence(login.error),
      login.reason,
      caution(login),
      code && trans.__("Your code is %1.", code),
      who && trans.__("Requested by %1", who),
      labelOf(session_key)
    ],
    actions: [cancel()]
  };
}

function held({ account, limits, session_key }, title, now) {
  const over = hasExpired(account, now);
  return {
    look: over || account.warning || account.trouble ? "failed" : "in",
    says: accountStatus(account, title, now),
    brief: briefly(account, now),
    details: [
      account.warning,
      account.trouble,
      { text: lifetime(account, now), tip: renewal(account, now) },
      limitWords(limits, now),
      usersOf(limits),
      labelOf(session_key)
    ],
    scopes: account.scope.split(" ").filter(Boolean),
    actions: [over ? signInAgain() : switchAccount(), signOut()]
  };
}

function described(state, title, now) {
  const { account, login, problem } = state;
  if (problem) return { look: "failed", says: problem, actions: [tryAgain()] };
  if (login?.status === "pending") return pending(state, title);
  if (account) return held(state, title, now);
  if (login && login.status !== "complete") {
    const { text: says, tone } = login.outcome;
    return { look: tone === "neutral" ? "out" : "failed", says, actions: [tryAgain()] };
  }
  const says = trans.__("Not signed in to %1.", title);
  return { look: "out", says, details: [state.note], actions: [signIn()] };
}

/** A detail: its text, and what its tooltip adds. */
function detail(each) {
  return typeof each === "string" ? { text: each, tip: "" } : each;
}

/**
 * What to show for a state: `look` (the style), a sentence (`brief` goes below the title), details,
 * scopes, the text of the link to a pending login, the actions, and `about` (the account).
 */
export function view(state, now) {
  const title = providerTitle(state.provider, state.name);
  const seen = described(state, title, now);
  const about = whose(title, state.account?.username) + keySuffix(state.session_key);
  const details = (seen.details ?? []).filter(Boolean).map(detail);
  return { link: "", scopes: [], brief: seen.says, ...seen, title, about, details };
}
