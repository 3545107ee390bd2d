// What the server's answers mean: pure functions of plain values.

import {
  caution,
  howLong,
  isOver,
  keyed,
  leads,
  needed,
  type Place,
  refused,
  stands,
  titled
} from "./view";
import type { Account, Limits, Login, Provider, Wish } from "./wire";

/** What is known. `reached` is false where the server did not answer; the rest is older then. */
export interface State {
  readonly reached: boolean;
  readonly providers: readonly Provider[];
  /** Those of notebooks that there is an account or a login of. */
  readonly made: readonly Provider[];
  readonly accounts: readonly Account[];
  /** Accounts that their provider ended: it refused to refresh them. */
  readonly ended: readonly Account[];
  /** Logins that wait for a person. */
  readonly logins: readonly Login[];
  readonly limits: readonly Limits[];
}

export const NOTHING: State = {
  reached: true,
  providers: [],
  made: [],
  accounts: [],
  ended: [],
  logins: [],
  limits: []
};

/** From best to worst. */
const CONDITIONS = ["out", "in", "unsaved", "again", "waiting", "unreachable"] as const;
export type Condition = (typeof CONDITIONS)[number];

function providerOf(state: State, name: string): Provider | undefined {
  return [...state.providers, ...state.made].find(each => each.name === name);
}

export function titleOf(state: State, name: string): string {
  return titled(providerOf(state, name), name);
}

/** The logins that a kernel waits for, and not only the person who began one here. */
export function waiting(state: State): Login[] {
  return state.logins.filter(login => login.kernel ?? login.notebook);
}

function conditionOf(account: Account, now: number): Condition {
  if (isOver(account, now)) return "again";
  return account.warning ? "unsaved" : "in";
}

/** The worst of all accounts and logins. `now` is in seconds since 1970. */
export function worst(state: State, now: number): Condition {
  const found: Condition[] = state.accounts.map(account => conditionOf(account, now));
  if (state.ended.length > 0) found.push("again");
  if (waiting(state).length > 0) found.push("waiting");
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
  const accounts = count === 0 ? "No accounts" : `${count} account${count === 1 ? "" : "s"}`;
  return [accounts, SUMMARY[worst(state, now)]].filter(Boolean).join(": ");
}

/** The same in whole sentences, one for each account. */
export function lines(state: State, now: number): string[] {
  const title = (each: { provider: string }): string => titleOf(state, each.provider);
  return [
    ...waiting(state).map(login => needed(login, title(login))),
    ...state.ended.map(each => refused(title(each), each.username)),
    ...state.accounts.map(each => `${stands(each, title(each), now)}. ${howLong(each, now)}`)
  ];
}

/** Every place where there is, was or shortly will be an account; what waits comes first. */
export function places(state: State): Place[] {
  const found = new Map<string, Place>();
  const at = (each: { provider: string; session_key: string }): Place => {
    const { provider: name, session_key } = each;
    const key = JSON.stringify([name, session_key]);
    const provider = providerOf(state, name);
    const place = found.get(key) ?? { name, session_key, provider };
    found.set(key, place);
    return place;
  };
  for (const login of state.logins) at(login).login = login;
  for (const ended of state.ended) at(ended).ended = ended;
  for (const account of state.accounts) at(account).account = account;
  for (const limits of state.limits) {
    const place = found.get(JSON.stringify([limits.provider, limits.session_key]));
    if (place && !limits.client_id) place.limits = limits;
  }
  return [...found.values()];
}

/** Where a login's page is. Its path is right under whatever name the browser knows the server. */
export function hrefOf(login: Login): string {
  return login.path ?? login.url ?? "";
}

/** Something to tell a person at once: a login that a kernel waits for, or one to begin anew. */
export interface Notice {
  id: string;
  says: string;
  action: string;
  wish: Wish;
  login?: Login;
}

/** What is to be told. Nobody hears twice of one account. */
export function notices(state: State): Notice[] {
  const found: Notice[] = waiting(state).map(login => {
    const title = titleOf(state, login.provider);
    const { id, provider, session_key } = login;
    const says = [`${needed(login, title)}.`, leads(login), caution(login)].join(" ").trim();
    const action = `Sign in to ${title}`;
    return { id, says, action, wish: { provider, session_key }, login };
  });
  for (const { provider, session_key, username, signed_in_at } of state.ended) {
    const told = found.some(
      ({ wish }) => wish.provider === provider && wish.session_key === session_key
    );
    if (told) continue;
    const says = refused(titleOf(state, provider), username) + keyed(session_key);
    const id = JSON.stringify([provider, session_key, signed_in_at]);
    found.push({ id, says, action: "Sign in again", wish: { provider, session_key } });
  }
  return found;
}
