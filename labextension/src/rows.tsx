// The panel's first section: every account and pending sign-in, with its actions.

import { ReactWidget } from "@jupyterlab/ui-components";
import * as React from "react";

import { Consents } from "./consents";
import { focusFirst, KeptFocus } from "./focus";
import { useAccounts, useNow } from "./hooks";
import { places } from "./model";
import { carryOut, SeenPlace } from "./place";
import type { Said } from "./said";
import type { IAccounts } from "./tokens";
import { type Action, type Place, trans, view } from "./view";
import type { Consent } from "./wire";

interface RowProps {
  place: Place;
  now: number;
  act: (action: Action) => void;
  revoke: (consent: Consent) => void;
}

function Row({ place, now, act, revoke }: RowProps): React.JSX.Element {
  const seen = view(place, now);
  const row = React.useRef<HTMLLIElement>(null);
  return (
    <KeptFocus within={() => row.current} lost={() => focusFirst(row.current)}>
      <li ref={row} className="jupyter-auth" data-look={seen.look}>
        <SeenPlace seen={seen} login={place.login} act={act} titled />
        <Consents place={place} revoke={revoke} />
      </li>
    </KeptFocus>
  );
}

interface Props {
  accounts: IAccounts;
  said: Said;
  /** Called for a first account. */
  add: () => void;
  /** Called when the control that had the focus is gone. */
  lost: () => void;
}

function Rows({ accounts, said, add, lost, node }: Props & { node: HTMLElement }) {
  const state = useAccounts(accounts);
  const now = useNow();
  const found = places(state);
  return (
    <KeptFocus within={() => node} lost={lost}>
      {!state.loaded && state.reached && <p>{trans.__("Loading…")}</p>}
      {found.length > 0 && (
        <ul>
          {found.map(place => (
            <Row
              key={`${place.name} ${place.session_key}`}
              place={place}
              now={now}
              act={action => void said.outcome(carryOut(accounts, place, action))}
              revoke={consent => void said.outcome(accounts.revoke(consent))}
            />
          ))}
        </ul>
      )}
      {found.length === 0 && state.loaded && (
        <div className="jupyter-auth jupyter-auth-empty">
          <p>
            {trans.__("Not signed in yet. Sign in once and every notebook can use the account.")}
          </p>
          <button type="button" className="jupyter-auth-go" onClick={add}>
            {trans.__("Add a provider…")}
          </button>
        </div>
      )}
    </KeptFocus>
  );
}

export class RowsSection extends ReactWidget {
  constructor(private readonly props: Props) {
    super();
    this.title.label = trans.__("Accounts");
    this.addClass("jupyter-auth-section");
  }

  protected override render(): React.JSX.Element {
    return <Rows {...this.props} node={this.node} />;
  }
}
