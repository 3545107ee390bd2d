// What the server's answers mean: pure functions of plain values.

import {
  accountStatus,
  caution,
  destination,
  hasExpired,
  keySuffix,
  lifetime,
  needed,
  type Place,
  providerTitle,
  trans
} from "./view";
import type { Account, Consent, Limits, Login, LoginRequest, Provider } from "./wire";

/** What the server said last. `reached` is false if it did not answer since. */
export interface State {
  /** Whether it has answered at all. */
  readonly loaded: boolean;
  readonly reached: boolean;
  /** In the order in which people see them; also those that lack a registration. */
  readonly providers: readonly Provider[];
  /** Providers defined in notebooks, if they have an account or a login. */
  readonly made: readonly Provider[];
  readonly accounts: readonly Account[];
  /** Pending logins. */
  readonly logins: readonly Login[];
  readonly limits: readonly Limits[];
  readonly consents: readonly Consent[];
  /** The pages of silent sign-ins that are due, by provider. */
  readonly arrive: Readonly<Record<string, string>>;
}

export const EMPTY: State = {
  loaded: false,
  reached: true,
  providers: [],
  made: [],
  accounts: [],
  logins: [],
  limits: [],
  consents: [],
  arrive: {}
};

/** From best to worst. */
const CONDITIONS = ["out", "in", "unsaved", "again", "waiting"] as const;
export type Condition = (typeof CONDITIONS)[number];

function providerOf(state: State, name: string): Provider | undefined {
  return [...state.providers, ...state.made].find(each => each.name === name);
}

export function titleOf(state: State, name: string): string {
  return providerTitle(providerOf(state, name), name);
}

/** What is said of a provider beside its name, in a list. */
export function choice({ title, host, missing = [] }: Provider): string {
  const registration = missing.includes("client_id") && trans.__("needs a registration");
  return [title, host, registration].filter(Boolean).join(" · ");
}

/** The logins that a notebook or kernel requested. */
export function waiting(state: State): Login[] {
  return state.logins.filter(login => login.kernel ?? login.notebook);
}

function conditionOf(account: Account, now: number): Condition {
  if (hasExpired(account, now)) return "again";
  return account.warning ? "unsaved" : "in";
}

/** The most urgent state of all accounts and logins. `now` is in seconds since 1970. */
export function worst(state: State, now: number): Condition {
  const found: Condition[] = state.accounts.map(account => conditionOf(account, now));
  if (waiting(state).length > 0) found.push("waiting");
  const rank = (condition: Condition): number => CONDITIONS.indexOf(condition);
  return found.reduce((a, b) => (rank(a) < rank(b) ? b : a), "out");
}

/** What to say of a state, "" if nothing: JupyterLab itself says that the server is away. */
function urgent(condition: Condition): string {
  if (condition === "unsaved") return trans.__("Not saved");
  return ["again", "waiting"].includes(condition) ? trans.__("Sign-in needed") : "";
}

/** How many accounts, and the most urgent state; "" if there is nothing to say. */
export function summary(state: State, now: number): string {
  const count = state.accounts.length;
  const accounts = count > 0 && trans._n("%1 account", "%1 accounts", count);
  return [accounts, urgent(worst(state, now))].filter(Boolean).join(" · ");
}

/** The same as sentences, one for each login and account. */
export function lines(state: State, now: number): string[] {
  const title = (each: { provider: string }): string => titleOf(state, each.provider);
  return [
    ...waiting(state).map(login => needed(login, title(login))),
    ...state.accounts.map(each =>
      [`${accountStatus(each, title(each), now)}.`, each.trouble, lifetime(each, now)]
        .filter(Boolean)
        .join(" ")
    )
  ];
}

/** A place for each account that is signed in or pending; pending logins come first. */
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
  for (const account of state.accounts) at(account).account = account;
  for (const limits of state.limits) {
    const place = found.get(JSON.stringify([limits.provider, limits.session_key]));
    if (place && !limits.client_id) place.limits = limits;
  }
  for (const consent of state.consents) {
    const place = found.get(JSON.stringify([consent.provider, consent.session_key]));
    if (place) place.consents = [...(place.consents ?? []), consent];
  }
  return [...found.values()];
}

/** One place, which may have neither an account nor a login. */
export function placeOf(state: State, name: string, session_key: string): Place {
  return (
    places(state).find(each => each.name === name && each.session_key === session_key) ?? {
      name,
      session_key,
      provider: providerOf(state, name)
    }
  );
}

/** Where a login's page is. The path holds for whatever name the browser has for the server. */
export function hrefOf(login: Login): string {
  return login.path ?? login.url ?? "";
}

/** What to notify of: a notebook needs a sign-in, or an account is not renewed. */
export interface Notice {
  id: string;
  says: string;
  action: string;
  /** What the action's tooltip adds. */
  tip: string;
  request: LoginRequest;
  login?: Login;
}

/** All notices, at most one for each account. `now` is in seconds since 1970. */
export function notices(state: State, now: number): Notice[] {
  const found: Notice[] = waiting(state).map(login => {
    const title = titleOf(state, login.provider);
    const { id, provider, session_key } = login;
    const says = `${needed(login, title)}.`;
    const tip = [destination(login), caution(login)].filter(Boolean).join(" ");
    const action = login.grant === "consent" ? trans.__("Review…") : trans.__("Sign in");
    return { id, says, action, tip, request: { provider, session_key }, login };
  });
  for (const account of state.accounts) {
    const { provider, session_key, trouble, signed_in_at } = account;
    if (!trouble || !hasExpired(account, now)) continue;
    const told = found.some(
      ({ request }) => request.provider === provider && request.session_key === session_key
    );
    if (told) continue;
    const status = accountStatus(account, titleOf(state, provider), now);
    const says = `${status}${keySuffix(session_key)}. ${trouble}`;
    const id = JSON.stringify([provider, session_key, signed_in_at]);
    const request = { provider, session_key };
    found.push({ id, says, action: trans.__("Sign in again"), tip: "", request });
  }
  return found;
}
