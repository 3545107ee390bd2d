// What the server's answers mean: pure functions of plain values.

import type { Account, Login, Provider } from "./wire";
import * as words from "./words";

/** What is known. `reached` is false where the server did not answer; the rest is older then. */
export interface State {
  readonly reached: boolean;
  readonly providers: readonly Provider[];
  readonly accounts: readonly Account[];
  /** Accounts that ended because the provider refused to refresh them. */
  readonly refused: readonly Account[];
  /** Those that wait for a person. */
  readonly logins: readonly Login[];
}

export const NOTHING: State = {
  reached: true,
  providers: [],
  accounts: [],
  refused: [],
  logins: []
};

/** From best to worst. */
export const CONDITIONS = ["out", "in", "unsaved", "again", "waiting", "unreachable"] as const;
export type Condition = (typeof CONDITIONS)[number];

interface Named {
  provider: string;
  session_key: string;
}

export function same(a: Named, b: Named): boolean {
  return a.provider === b.provider && a.session_key === b.session_key;
}

export function titleOf(state: State, name: string): string {
  return state.providers.find(each => each.name === name)?.title ?? name;
}

/** Whether a kernel waits for it, and not only the person who began it here. */
export function isWaitedFor(login: Login): boolean {
  return Boolean(login.kernel ?? login.notebook);
}

/** How one account is. `now` is in seconds since 1970. */
export function conditionOf(account: Account, now: number): Condition {
  const over = account.expires_at !== null && account.expires_at <= now;
  if (over && !account.refreshes) return "again";
  return account.warning ? "unsaved" : "in";
}

/** The worst of all accounts and logins. */
export function worst(state: State, now: number): Condition {
  const found: Condition[] = state.accounts.map(account => conditionOf(account, now));
  if (state.refused.length > 0) found.push("again");
  if (state.logins.some(isWaitedFor)) found.push("waiting");
  if (!state.reached) found.push("unreachable");
  const rank = (condition: Condition): number => CONDITIONS.indexOf(condition);
  return found.reduce((a, b) => (rank(a) < rank(b) ? b : a), "out");
}

const SUMMARY: Record<Condition, string> = {
  out: "",
  in: "signed in",
  unsaved: "not saved",
  again: "sign in again",
  waiting: "sign-in needed",
  unreachable: "server not reached"
};

/** How many accounts and their worst state, in a few words. */
export function summary(state: State, now: number): string {
  const count = state.accounts.length;
  const accounts = count === 0 ? "No accounts" : words.plural(count, "account");
  return [accounts, SUMMARY[worst(state, now)]].filter(Boolean).join(": ");
}

/** The same in whole sentences, one for each account. */
export function lines(state: State, now: number): string[] {
  const waiting = state.logins.map(login => words.needed(login, titleOf(state, login.provider)));
  const refused = state.refused.map(each =>
    words.refused(titleOf(state, each.provider), each.username)
  );
  const accounts = state.accounts.map(each => {
    const who = words.signedIn(titleOf(state, each.provider), each.username);
    return `${who}. ${words.howLong(each, now)}`;
  });
  return [...waiting, ...refused, ...accounts];
}
