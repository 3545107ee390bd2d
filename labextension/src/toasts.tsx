// Notices that a notebook needs a sign-in, anywhere in JupyterLab. JupyterLab's own notifications
// have no links, and a sign-in has to be one.

import { ReactWidget } from "@jupyterlab/ui-components";
import * as React from "react";

import { focusFirst, KeptFocus } from "./focus";
import { useAccounts, useNow } from "./hooks";
import { hrefOf, type Notice, notices } from "./model";
import type { IAccounts } from "./tokens";

/** Which notices to show, from the settings. */
export interface Wanted {
  signInNeeded: boolean;
  signInEnded: boolean;
}

interface ToastProps {
  notice: Notice;
  signIn: () => Promise<unknown>;
  dismiss: () => void;
  /** Called when the focus enters, with the element that had it. */
  entered: (from: Element | null) => void;
}

function Toast({ notice, signIn, dismiss, entered }: ToastProps): React.JSX.Element {
  const { login, says, action } = notice;
  const [problem, setProblem] = React.useState("");
  const begin = (): void => {
    signIn().catch((error: unknown) => {
      setProblem((error as Error).message);
    });
  };
  return (
    <div
      className="jupyter-auth jupyter-auth-toast"
      data-look={login ? "pending" : "failed"}
      onFocus={event => {
        entered(event.relatedTarget);
      }}
      onKeyDown={event => {
        if (event.key === "Escape") dismiss();
      }}
    >
      <span role="alert" className="jupyter-auth-says">
        {says}
        {problem && <small>{problem}</small>}
      </span>
      <span className="jupyter-auth-controls">
        {login ? (
          <a className="jupyter-auth-go" href={hrefOf(login)} target="_blank" rel="noopener">
            {action}
          </a>
        ) : (
          <button type="button" className="jupyter-auth-go" onClick={begin}>
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
  node: HTMLElement;
}

function List({ accounts, wanted, node }: ToastsProps): React.JSX.Element {
  const state = useAccounts(accounts);
  const [dismissed, setDismissed] = React.useState<readonly string[]>([]);
  const shown = notices(state, useNow()).filter(
    ({ id, login }) => !dismissed.includes(id) && (login ? wanted.signInNeeded : wanted.signInEnded)
  );
  const from = React.useRef<Element | null>(null);
  /** Focus the next notice, or else what had the focus before. */
  const giveBack = (): void => {
    if (!focusFirst(node) && from.current instanceof HTMLElement) from.current.focus();
  };
  return (
    <KeptFocus within={() => node} lost={giveBack}>
      {shown.map(notice => (
        <Toast
          key={notice.id}
          notice={notice}
          signIn={() => accounts.signIn(notice.request)}
          dismiss={() => {
            setDismissed([...dismissed, notice.id]);
          }}
          entered={before => {
            if (before && !node.contains(before)) from.current = before;
          }}
        />
      ))}
    </KeptFocus>
  );
}

/** An overlay in a corner of the page. */
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
    return <List accounts={this.accounts} wanted={this.wanted} node={this.node} />;
  }
}
