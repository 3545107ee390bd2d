// What other extensions may ask for: the accounts, by a token of Lumino.

import { Token } from "@lumino/coreutils";
import type { ISignal } from "@lumino/signaling";

import type { State } from "./model";
import type { Login, Wish } from "./wire";

/** The accounts of this Jupyter server's user, as far as a browser may know them. */
export interface IAccounts {
  /** What the server said last. */
  readonly state: State;

  /** Emitted after each change of `state`. */
  readonly changed: ISignal<IAccounts, void>;

  /** Ask the server anew. */
  reload(): Promise<void>;

  /** Begin a login, or join the one under way. Opens its page in a tab where the browser lets it. */
  signIn(wish: Wish): Promise<Login>;

  /** End a login for all who wait for it. */
  cancel(login: Login): Promise<void>;

  /** Sign out; what is returned says what could not be done, and is empty as a rule. */
  signOut(provider: string, sessionKey: string): Promise<string>;
}

export const IAccounts = new Token<IAccounts>(
  "jupyter-auth-session:IAccounts",
  "The accounts that kernels of this server use, without their tokens."
);
