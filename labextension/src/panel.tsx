// The panel: every account and pending sign-in with its actions, and a form to add one.

import { Dialog, showDialog } from "@jupyterlab/apputils";
import { ReactWidget } from "@jupyterlab/ui-components";
import * as React from "react";

import { AddForm } from "./add";
import { focusFirst, KeptFocus } from "./focus";
import { useAccounts, useNow } from "./hooks";
import { icon } from "./icon";
import { places } from "./model";
import { carryOut, SeenPlace } from "./place";
import type { IAccounts } from "./tokens";
import { type Action, type Place, view } from "./view";
import type { LoginRequest, Provider } from "./wire";

/** Remove a provider of the user's own, if they confirm it; returns as `carryOut`. */
async function removed(accounts: IAccounts, { name, title }: Provider): Promise<string> {
  const { button } = await showDialog({
    title: `Remove ${name}?`,
    body: `You will be signed out of ${title}, and its entry in your own file is deleted.`,
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: "Remove" })]
  });
  if (!button.accept) return "";
  return [`Removed ${name}.`, await accounts.remove(name)].join(" ").trim();
}

interface RowProps {
  place: Place;
  now: number;
  act: (action: Action) => void;
}

function Row({ place, now, act }: RowProps): React.JSX.Element {
  const seen = view(place, now);
  const row = React.useRef<HTMLLIElement>(null);
  return (
    <KeptFocus within={() => row.current} lost={() => focusFirst(row.current)}>
      <li ref={row} className="jupyter-auth" data-look={seen.look}>
        <SeenPlace seen={seen} login={place.login} act={act} />
      </li>
    </KeptFocus>
  );
}

interface PanelProps {
  accounts: IAccounts;
  node: HTMLElement;
}

function Panel({ accounts, node }: PanelProps): React.JSX.Element {
  const state = useAccounts(accounts);
  const now = useNow();
  const [said, setSaid] = React.useState("");

  const say = async (done: Promise<string>): Promise<void> => {
    setSaid(await done.catch((error: unknown) => (error as Error).message));
  };
  const find = async (typed: string): Promise<Provider | null> => {
    setSaid("");
    return accounts.find(typed).catch((error: unknown) => {
      setSaid((error as Error).message);
      return null;
    });
  };
  const add = async (request: LoginRequest): Promise<string> => {
    await accounts.signIn(request);
    return "";
  };
  const found = places(state);
  return (
    <KeptFocus
      within={() => node}
      lost={() => {
        node.focus();
      }}
    >
      <h2>Accounts</h2>
      <p role="status" className="jupyter-auth-said">
        {state.reached
          ? said
          : "The Jupyter server is not responding. This list may be out of date."}
      </p>
      {found.length > 0 && (
        <ul>
          {found.map(place => (
            <Row
              key={`${place.name} ${place.session_key}`}
              place={place}
              now={now}
              act={action => void say(carryOut(accounts, place, action))}
            />
          ))}
        </ul>
      )}
      {found.length === 0 && state.reached && (
        <p>Not signed in yet. Sign in once, and every notebook can use the account.</p>
      )}
      {(state.providers.length > 0 || state.reached) && (
        <AddForm
          providers={state.providers}
          presets={state.presets}
          find={find}
          add={request => void say(add(request))}
          remove={provider => void say(removed(accounts, provider))}
        />
      )}
    </KeptFocus>
  );
}

export class AccountsPanel extends ReactWidget {
  constructor(private readonly accounts: IAccounts) {
    super();
    this.id = "jupyter-auth-accounts";
    this.title.icon = icon;
    this.title.caption = "Accounts";
    this.addClass("jupyter-auth-panel");
    this.node.tabIndex = -1;
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "Accounts");
  }

  protected override render(): React.JSX.Element {
    return <Panel accounts={this.accounts} node={this.node} />;
  }

  /** The user's scripts may have changed accounts without this server noticing. */
  protected override onAfterShow(): void {
    void this.accounts.reload();
  }

  /** Waits for the command palette, which restores the focus as it closes. */
  protected override onActivateRequest(): void {
    void this.accounts.reload();
    requestAnimationFrame(() => {
      this.node.focus();
    });
  }
}
