// Types for account_view.js, which the widget in a cell shares. It is plain JavaScript because the
// widget is not built.

import type { TranslationBundle } from "@jupyterlab/translation";

// @ts-expect-error It has no types.
import * as untyped from "../../jupyter_auth/kernel/prompt/account_view.js";

import type { Account, Consent, Failure, Limits, Login, Provider } from "./wire";

/** One provider and session key, with whatever account or login they have. */
export interface Place {
  name: string;
  session_key: string;
  provider?: Provider | undefined;
  account?: Account | undefined;
  login?: Login | undefined;
  limits?: Limits | undefined;
  consents?: Consent[];
}

export interface Action {
  name: "begin" | "switch" | "cancel" | "logout";
  label: string;
}

/** What to show of a place. `link` is the text of the link to a login, "" if there is none. */
export interface Seen {
  look: "pending" | "in" | "out" | "failed";
  /** The provider. */
  title: string;
  says: string;
  /** What to say below the title. */
  brief: string;
  details: { text: string; tip: string }[];
  scopes: string[];
  link: string;
  actions: Action[];
  /** The account, for screen readers that read an action out of context. */
  about: string;
}

interface AccountView {
  DEFAULT_KEY: string;
  trans: Pick<TranslationBundle, "__" | "_n">;
  speak: (bundle: TranslationBundle) => void;
  view: (place: Place & { problem?: string; note?: string }, now: number) => Seen;
  sentence: (failure: Failure | null | undefined) => string;
  signedIn: (title: string, username: string | null) => string;
  keySuffix: (sessionKey: string) => string;
  plainName: (name: string) => string;
  providerTitle: (provider: Provider | undefined, name: string) => string;
  caution: (login: Login) => string;
  destination: (leads: Pick<Login, "host">) => string;
  accountStatus: (account: Account, title: string, now: number) => string;
  lifetime: (account: Account, now: number) => string;
  renewal: (account: Account, now: number) => string;
  hasExpired: (account: Account, now: number) => boolean;
  limitWords: (limits: Limits | undefined, now: number) => string;
  usersOf: (limits: Limits | undefined) => string;
  needed: (login: Login, title: string) => string;
}

const typed = untyped as AccountView;
export const { DEFAULT_KEY, trans, speak, view, sentence, signedIn, keySuffix } = typed;
export const { accountStatus, lifetime, renewal, hasExpired, limitWords, usersOf } = typed;
export const { needed, plainName, providerTitle, caution, destination } = typed;
