// What is to be said of one account, and what can be done with it: pure functions of plain values.
// The widget in a cell and JupyterLab's panel both draw what is said here. Times are in seconds
// since 1970, like those of the server.

export const DEFAULT_KEY = "default";

/** An error of the server in the words that it chose for people. */
export function sentence(error) {
  return [error?.message, error?.hint].filter(Boolean).join(" ");
}

/** What the name of a provider that a notebook defines goes on with: a digest of the definition. */
const MARK = "~";
const SHARED = "Everyone who uses this Jupyter server will be able to use this account.";

/** A provider's name as people know it. */
export function plain(name) {
  return name.split(MARK)[0];
}

/** Its title, or its name where it is not listed, and that a notebook defines it if so. */
export function titled(provider, name) {
  const title = provider?.title ?? plain(name);
  return name.includes(MARK) ? `${title} (defined in a notebook)` : title;
}

/** Which of somebody's accounts: at a provider, and as whom. */
function whose(title, username) {
  return `${title}${username ? ` as ${username}` : ""}`;
}

/** A key that somebody chose, to be told apart by; "" for the usual one. */
export function keyed(session_key) {
  return session_key && session_key !== DEFAULT_KEY ? ` (${session_key})` : "";
}

export function signedIn(title, username) {
  return `Signed in to ${whose(title, username)}`;
}

/** Seconds, as a person would round them. */
export function duration(seconds) {
  if (seconds < 90) return "a minute";
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86400)} days`;
}

/** Whether somebody has to sign in again: it is over, and nothing renews it. */
export function isOver({ expires_at, refreshes }, now) {
  return expires_at !== null && expires_at <= now && !refreshes;
}

/** Who is signed in, or was until it ran out. */
export function stands(account, title, now) {
  const { username } = account;
  if (!isOver(account, now)) return signedIn(title, username);
  return `Your sign-in to ${whose(title, username)} has expired`;
}

/** How long the sign-in holds. */
export function howLong(account, now) {
  const { expires_at: end, refreshes } = account;
  if (end === null) return "Holds until you sign out";
  if (isOver(account, now)) return "Nothing renews it: sign in again";
  if (end <= now) return "Refreshes by itself when it is used";
  const left = `Expires in ${duration(end - now)}`;
  return refreshes ? `Refreshes by itself · ${left}` : `${left}, then sign in again`;
}

/** A moment as a clock shows it, with the day where that is another one. */
function clock(moment, now) {
  const [then, today] = [new Date(moment * 1000), new Date(now * 1000)];
  return then.toDateString() === today.toDateString()
    ? then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : then.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** What is known of the limits of an account's API, "" for nothing. */
export function limitWords(limits, now) {
  if (limits?.throttled_until > now) return `No calls until ${clock(limits.throttled_until, now)}`;
  const { limit, remaining, reset_at } = limits?.quota ?? {};
  if (typeof remaining !== "number") return "";
  if (typeof reset_at === "number" && reset_at <= now) return ""; // full again, and nobody asked
  const most = typeof limit === "number" ? ` of ${limit}` : "";
  return `${remaining}${most} calls left${reset_at ? ` until ${clock(reset_at, now)}` : ""}`;
}

/** Which notebooks use an account: by name while they are few, "" for none. */
export function usersOf(limits) {
  const names = limits?.notebooks ?? [];
  if (names.length === 0) return "";
  const named = names.length > 3 ? names.slice(0, 2) : names.slice(0, -1);
  const last = names.length > 3 ? `${names.length - 2} more` : names.at(-1);
  return `Used by ${[named.join(", "), last].filter(Boolean).join(" and ")}`;
}

/** Who waits for a login; "" for nobody but the person who began it here. */
export function asker({ kernel, notebook }) {
  return notebook || (kernel ? "A kernel" : "");
}

/** Where a login leads, "" where that is this server itself or not known yet. */
export function leads({ host }) {
  return host ? `You will sign in at ${host}.` : "";
}

/** What a person has to know before they sign in, "" for nothing. */
export function caution({ shared }) {
  return shared ? SHARED : "";
}

/** That a kernel needs a person. */
export function needed(login, title) {
  return `${asker(login)} needs you to sign in to ${title}${keyed(login.session_key)}`;
}

/** That a provider refused to renew a sign-in. */
export function refused(title, username) {
  return `${title} no longer accepts ${username ? `the sign-in of ${username}` : "your sign-in"}`;
}

const ENDED = {
  denied: "The sign-in was denied.",
  expired: "Nobody signed in in time.",
  cancelled: "The sign-in was cancelled.",
  failed: "The sign-in failed. Nothing was stored."
};

/** Names of the actions are those that the widget sends to its kernel. */
const BEGIN = { name: "begin", label: "Sign in" };
const AGAIN = { name: "begin", label: "Sign in again" };
const RETRY = { name: "begin", label: "Try again" };
const SWITCH = { name: "switch", label: "Switch account" };
const CANCEL = { name: "cancel", label: "Cancel" };
const LOGOUT = { name: "logout", label: "Sign out" };
const FORGET = { name: "logout", label: "Forget it" };

function pending({ login, session_key, code }, title) {
  const who = asker(login);
  return {
    look: "pending",
    link: `Sign in to ${title}`,
    says: leads(login),
    details: [
      caution(login),
      code && `Your code is ${code}.`,
      who && `${who} waits for it`,
      keyOf(session_key)
    ],
    actions: [CANCEL]
  };
}

function held({ account, limits, session_key }, title, now) {
  const over = isOver(account, now);
  return {
    look: over || account.warning ? "failed" : "in",
    says: stands(account, title, now),
    details: [
      account.warning,
      howLong(account, now),
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
  const { account, login, problem, ended, session_key } = state;
  if (problem) return { look: "failed", says: problem, actions: [RETRY] };
  if (login?.status === "pending") return pending(state, title);
  if (account) return held(state, title, now);
  if (login && login.status !== "complete") {
    const says = sentence(login.error) || ENDED[login.status] || ENDED.failed;
    return { look: login.status === "cancelled" ? "out" : "failed", says, actions: [RETRY] };
  }
  if (ended) {
    const says = `${refused(title, ended.username)}.`;
    return { look: "failed", says, details: [keyOf(session_key)], actions: [AGAIN, FORGET] };
  }
  const says = `Not signed in to ${title}.`;
  return { look: "out", says, details: [state.note], actions: [BEGIN] };
}

/**
 * All that is to be seen of a state: a name for the style, a sentence, details, the text of the
 * link to a login under way, and what can be done, and whose account all that is about. `ended` is
 * an account that the provider ended.
 */
export function view(state, now) {
  const title = titled(state.provider, state.name);
  const seen = described(state, title, now);
  const username = (state.account ?? state.ended)?.username;
  const about = whose(title, username) + keyed(state.session_key);
  return { link: "", ...seen, about, details: (seen.details ?? []).filter(Boolean) };
}
