// Every sentence about an account. The widget in a cell (kernel/widget.js) says the same: a test
// holds the two together.

import type { Account, Failure, Login, Quota } from "./wire";

export const DEFAULT_KEY = "default";

export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

export function sentence(failure: Failure | null | undefined): string {
  return [failure?.message, failure?.hint].filter(Boolean).join(" ");
}

export function signedIn(title: string, username: string | null): string {
  return `Signed in to ${title}${username ? ` as ${username}` : ""}`;
}

/** Seconds, as a person would round them. */
export function duration(seconds: number): string {
  if (seconds < 90) return "a minute";
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86400)} days`;
}

/** How long the sign-in holds. `now` is in seconds since 1970, like all times here. */
export function howLong(account: Account, now: number): string {
  const { expires_at: end, refreshes } = account;
  if (end === null) return "Until you sign out";
  const left = end - now;
  if (left > 0) {
    const how = refreshes ? "refreshes by itself" : "then sign in again";
    return `Expires in ${duration(left)}, ${how}`;
  }
  return refreshes ? "Refreshes by itself when next used" : "Expired: sign in again";
}

export function quota(found: Quota | null | undefined, now: number): string {
  if (typeof found?.remaining !== "number") return "";
  const most = typeof found.limit === "number" ? ` of ${found.limit}` : "";
  const reset = typeof found.resets_at === "number" ? found.resets_at - now : 0;
  const when = reset > 0 ? `, renewed in ${duration(reset)}` : "";
  return `${found.remaining}${most} calls left${when}`;
}

/** All that is to be said of an account besides who it is. */
export function details(account: Account, now: number): string[] {
  const { scope, session_key: key, notebooks = [] } = account;
  return [
    account.warning,
    howLong(account, now),
    quota(account.quota, now),
    scope && `Scopes: ${scope}`,
    key !== DEFAULT_KEY && `Session key: ${key}`,
    notebooks.length > 0 && `Used by ${notebooks.join(", ")}`
  ].filter(text => typeof text === "string" && text !== "") as string[];
}

const ENDED: Partial<Record<Login["status"], string>> = {
  denied: "The sign-in was denied.",
  expired: "Nobody signed in in time.",
  cancelled: "The sign-in was cancelled."
};

/** Why a login came to nothing. */
export function ended(login: Login): string {
  return (
    sentence(login.error) || (ENDED[login.status] ?? "The sign-in failed. Nothing was stored.")
  );
}

/** Who waits for a login: a notebook by its name, or what can be said of a kernel without one. */
export function asker(login: Login): string {
  return login.notebook ?? (login.kernel ? "A kernel" : "You");
}

export function needed(login: Login, title: string): string {
  return login.kernel || login.notebook
    ? `${asker(login)} needs you to sign in to ${title}`
    : `Your sign-in to ${title} is under way`;
}

/** An account whose refresh token the provider refused. */
export function refused(title: string, username: string | null): string {
  return `${title} signed ${username ?? "you"} out: sign in again`;
}
