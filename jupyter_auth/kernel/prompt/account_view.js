// The texts and actions of one account: pure functions of plain values, for the widget in a cell
// and for JupyterLab's panel. Times are in seconds since 1970, as the server's are.

export const DEFAULT_KEY = "default";

/** The server's own message and hint for an error. */
export function sentence(error) {
  return [error?.message, error?.hint].filter(Boolean).join(" ");
}

/** Separates the name of a provider defined in a notebook from the digest of its definition. */
const MARK = "~";
const SHARED = "Everyone who uses this Jupyter server will be able to use this account.";

/** A provider's name without that digest. */
export function plainName(name) {
  return name.split(MARK)[0];
}

/** A provider's title (its name while it is not known), marked where a notebook defines it. */
export function providerTitle(provider, name) {
  const title = provider?.title ?? plainName(name);
  return name.includes(MARK) ? `${title} (defined in a notebook)` : title;
}

function whose(title, username) {
  return `${title}${username ? ` as ${username}` : ""}`;
}

/** The session key in brackets, "" for the default one. */
export function keySuffix(session_key) {
  return session_key && session_key !== DEFAULT_KEY ? ` (${session_key})` : "";
}

export function signedIn(title, username) {
  return `Signed in to ${whose(title, username)}`;
}

/** Seconds, rounded to minutes, hours or days. */
export function duration(seconds) {
  if (seconds < 90) return "a minute";
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86400)} days`;
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
  const { username, trouble } = account;
  if (!hasExpired(account, now)) return signedIn(title, username);
  if (trouble) return `Sign-in needed for ${whose(title, username)}`;
  return `Your sign-in to ${whose(title, username)} has expired`;
}

/** How long the account stays signed in. */
export function lifetime(account, now) {
  const { expires_at: end } = account;
  if (end === null) return "Does not expire";
  if (hasExpired(account, now)) return "Sign in again to use it";
  if (!renewable(account)) return `Expires in ${duration(end - now)}, then sign in again`;
  const next = end > now ? `within ${duration(end - now)}` : "when it is next used";
  return `Stays signed in · access token renewed ${next}`;
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
    return `API calls paused until ${clock(limits.throttled_until, now)}`;
  const { limit, remaining, reset_at } = limits?.quota ?? {};
  if (typeof remaining !== "number") return "";
  if (typeof reset_at === "number" && reset_at <= now) return ""; // full again
  const most = typeof limit === "number" ? ` of ${limit}` : "";
  return `${remaining}${most} calls left${reset_at ? ` until ${clock(reset_at, now)}` : ""}`;
}

/** The notebooks that use an account: up to three by name, "" for none. */
export function usersOf(limits) {
  const names = limits?.notebooks ?? [];
  if (names.length === 0) return "";
  const named = names.length > 3 ? names.slice(0, 2) : names.slice(0, -1);
  const last = names.length > 3 ? `${names.length - 2} more` : names.at(-1);
  return `Used by ${[named.join(", "), last].filter(Boolean).join(" and ")}`;
}

/** The notebook or kernel that requested a login; "" for one started by a person here. */
function requester({ kernel, notebook }) {
  return notebook || (kernel ? "a kernel" : "");
}

/** Where a login leads, "" if to this server or not known yet. */
export function destination({ host }) {
  return host ? `You will sign in at ${host}.` : "";
}

/** What people should know before they sign in, "" if nothing. */
export function caution({ shared }) {
  return shared ? SHARED : "";
}

/** Which notebook or kernel needs a sign-in. */
export function needed(login, title) {
  const who = login.notebook || "A kernel";
  return `${who} needs you to sign in to ${title}${keySuffix(login.session_key)}`;
}

/** The names are those of the messages that the widget sends to its kernel. */
const BEGIN = { name: "begin", label: "Sign in" };
const AGAIN = { name: "begin", label: "Sign in again" };
const RETRY = { name: "begin", label: "Try again" };
const SWITCH = { name: "switch", label: "Switch account" };
const CANCEL = { name: "cancel", label: "Cancel" };
const LOGOUT = { name: "logout", label: "Sign out" };

function pending({ login, session_key, code }, title) {
  const who = requester(login);
  return {
    look: "pending",
    link: `Sign in to ${title}`,
    says: destination(login),
    details: [
      login.error && sentence(login.error),
      login.reason,
      caution(login),
      code && `Your code is ${code}.`,
      who && `Requested by ${who}`,
      keyOf(session_key)
    ],
    actions: [CANCEL]
  };
}

function held({ account, limits, session_key }, title, now) {
  const over = hasExpired(account, now);
  return {
    look: over || account.warning || account.trouble ? "failed" : "in",
    says: accountStatus(account, title, now),
    details: [
      account.warning,
      account.trouble,
      lifetime(account, now),
      limitWords(limits, now),
      usersOf(limits),
      account.scope && `Scopes: ${account.scope}`,
      keyOf(session_key)
    ],
    actions: over ? [AGAIN, LOGOUT] : [SWITCH, LOGOUT]
  };
}

function keyOf(session_key) {
  return session_key && session_key !== DEFAULT_KEY && `Session key: ${session_key}`;
}

function described(state, title, now) {
  const { account, login, problem } = state;
  if (problem) return { look: "failed", says: problem, actions: [RETRY] };
  if (login?.status === "pending") return pending(state, title);
  if (account) return held(state, title, now);
  if (login && login.status !== "complete") {
    const { text: says, tone } = login.outcome;
    return { look: tone === "neutral" ? "out" : "failed", says, actions: [RETRY] };
  }
  const says = `Not signed in to ${title}.`;
  return { look: "out", says, details: [state.note], actions: [BEGIN] };
}

/**
 * What to show for a state: `look` (the style), a sentence, details, the text of the link to a
 * pending login, the actions, and `about` (the account).
 */
export function view(state, now) {
  const title = providerTitle(state.provider, state.name);
  const seen = described(state, title, now);
  const about = whose(title, state.account?.username) + keySuffix(state.session_key);
  return { link: "", ...seen, about, details: (seen.details ?? []).filter(Boolean) };
}
