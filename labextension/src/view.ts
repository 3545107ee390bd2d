// The types of what the widget in a cell says as well: one text for both, in plain JavaScript,
// because the widget goes to the browser as it is.

// @ts-expect-error It has no types of its own.
import * as untyped from "../../jupyter_auth/kernel/prompt/account_view.js";

import type { Account, Failure, Limits, Login, Provider } from "./wire";

/** One account, or the place of one. */
export interface Place {
  name: string;
  session_key: string;
  provider?: Provider | undefined;
  account?: Account | undefined;
  login?: Login | undefined;
  /** The account that its provider ended. */
  ended?: Account | undefined;
  limits?: Limits | undefined;
}

export interface Action {
  name: "begin" | "switch" | "cancel" | "logout";
  label: string;
}

/** What is to be seen of it. `link` is the text of the link to a login, "" for none. */
export interface Seen {
  look: "pending" | "in" | "out" | "failed";
  says: string;
  details: string[];
  link: string;
  actions: Action[];
  /** Whose account it is about, for whoever hears no more than one of the actions. */
  about: string;
}

interface AccountView {
  DEFAULT_KEY: string;
  view: (place: Place & { problem?: string; note?: string }, now: number) => Seen;
  sentence: (failure: Failure | null | undefined) => string;
  signedIn: (title: string, username: string | null) => string;
  keyed: (sessionKey: string) => string;
  plain: (name: string) => string;
  titled: (provider: Provider | undefined, name: string) => string;
  caution: (login: Login) => string;
  leads: (login: Login) => string;
  stands: (account: Account, title: string, now: number) => string;
  howLong: (account: Account, now: number) => string;
  isOver: (account: Account, now: number) => boolean;
  limitWords: (limits: Limits | undefined, now: number) => string;
  usersOf: (limits: Limits | undefined) => string;
  needed: (login: Login, title: string) => string;
  refused: (title: string, username: string | null) => string;
}

const typed = untyped as AccountView;
export const { DEFAULT_KEY, view, sentence, signedIn, keyed, stands, howLong } = typed;
export const { isOver, limitWords, needed, refused, usersOf, plain, titled, caution, leads } =
  typed;
