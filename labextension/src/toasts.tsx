// Notices for a person whose notebook waits, wherever in JupyterLab they are. They are not those of
// JupyterLab itself: its buttons are no links, and a sign-in has to be one.

import { ReactWidget } from "@jupyterlab/ui-components";
import * as React from "react";

import { useAccounts } from "./hooks";
import { hrefOf, type Notice, notices } from "./model";
import type { IAccounts } from "./tokens";

/** Which notices somebody wants to see. */
export interface Wanted {
  signInNeeded: boolean;
  signInEnded: boolean;
}

interface ToastProps {
  notice: Notice;
  signIn: () => void;
  dismiss: () => void;
}

function Toast({ notice, signIn, dismiss }: ToastProps): React.JSX.Element {
  const { login, says, action } = notice;
  return (
    <div
      className="jupyter-auth jupyter-auth-toast"
      data-look={login ? "pending" : "failed"}
      onKeyDown={event => {
        if (event.key === "Escape") dismiss();
      }}
    >
      <span role="alert" className="jupyter-auth-says">
        {says}
      </span>
      <span className="jupyter-auth-controls">
        {login ? (
          <a className="jupyter-auth-go" href={hrefOf(login)} target="_blank" rel="noopener">
            {action}
          </a>
        ) : (
          <button type="button" className="jupyter-auth-go" onClick={signIn}>
            {action}
          </button>
        )}
        <button type="button" aria-label={`Dismiss: ${says}`} onClick={dismiss}>
          Dismiss
        </button>
      </span>
    </div>
  );
}

interface ToastsProps {
  accounts: IAccounts;
  wanted: Wanted;
}

function List({ accounts, wanted }: ToastsProps): React.JSX.Element {
  const state = useAccounts(accounts);
  const [dismissed, setDismissed] = React.useState<readonly string[]>([]);
  const shown = notices(state).filter(
    ({ id, login }) => !dismissed.includes(id) && (login ? wanted.signInNeeded : wanted.signInEnded)
  );
  return (
    <>
      {shown.map(notice => (
        <Toast
          key={notice.id}
          notice={notice}
          signIn={() => void accounts.signIn(notice.wish).catch(() => accounts.reload())}
          dismiss={() => {
            setDismissed([...dismissed, notice.id]);
          }}
        />
      ))}
    </>
  );
}

/** Lies over all else, in a corner. */
export class Toasts extends ReactWidget {
  constructor(
    private readonly accounts: IAccounts,
    private wanted: Wanted
  ) {
    super();
    this.addClass("jupyter-auth-toasts");
    this.addClass("jp-ThemedContainer");
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "Sign-in notices");
  }

  want(wanted: Wanted): void {
    this.wanted = wanted;
    this.update();
  }

  protected override render(): React.JSX.Element {
    return <List accounts={this.accounts} wanted={this.wanted} />;
  }
}
