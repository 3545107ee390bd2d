// The Lumino token by which other extensions get the accounts.

import { Token } from "@lumino/coreutils";
import type { ISignal } from "@lumino/signaling";

import type { State } from "./model";
import type { Consent, Login, LoginRequest, Provider } from "./wire";

/** The accounts of this Jupyter server's user, without their tokens. */
export interface IAccounts {
  /** What the server said last. */
  readonly state: State;

  /** Emitted after each change of `state`. */
  readonly changed: ISignal<IAccounts, void>;

  /** Fetch the state from the server. */
  reload(): Promise<void>;

  /** The provider of that name, or of the API at that address, which is asked and kept. */
  find(typed: string): Promise<Provider>;

  /** Sign out of a provider of the user's own and forget it; returns as `signOut`. */
  remove(name: string): Promise<string>;

  /** Begin a login, or join the pending one, and open its page in a tab if the browser allows. */
  signIn(request: LoginRequest): Promise<Login>;

  /** Begin a login as `signIn` does, and open its page's form to change the registration. */
  edit(provider: string): Promise<Login>;

  /** Cancel a login, for every notebook that waits for it. */
  cancel(login: Login): Promise<void>;

  /** Sign out; returns what could not be done, usually "". */
  signOut(provider: string, sessionKey: string): Promise<string>;

  /** End a notebook's use of an account. */
  revoke(consent: Consent): Promise<string>;
}

export const IAccounts = new Token<IAccounts>(
  "jupyter-auth-session:IAccounts",
  "The accounts that kernels of this server use, without their tokens."
);
