// One account or pending sign-in with its actions, in the panel and in outputs. It has the looks and
// the texts of the widget in a cell.

import * as React from "react";

import { hrefOf } from "./model";
import type { IAccounts } from "./tokens";
import { type Action, type Place, type Seen, trans } from "./view";
import type { Login } from "./wire";

/** Carry out an action; returns a note to show, "" if there is none. */
export async function carryOut(accounts: IAccounts, place: Place, action: Action): Promise<string> {
  const { name: provider, session_key } = place;
  switch (action.name) {
    case "begin":
      await accounts.signIn({ provider, session_key });
      return "";
    case "switch":
      await accounts.signIn({ provider, session_key, force: true });
      return "";
    case "cancel":
      if (place.login) await accounts.cancel(place.login);
      return "";
    case "logout": {
      const note = await accounts.signOut(provider, session_key);
      return place.account ? note : "";
    }
  }
}

interface Props {
  seen: Seen;
  login: Login | undefined;
  act: (action: Action) => void;
  /** Whether the provider is above the rest, which then does not repeat it. */
  titled?: boolean;
}

/** The link to a pending login, what there is to say, and the buttons. */
export function SeenPlace({ seen, login, act, titled = false }: Props): React.JSX.Element {
  const href = login ? hrefOf(login) : "";
  const link = seen.link && (
    <a className="jupyter-auth-go" href={href} target="_blank" rel="noopener">
      {seen.link}
    </a>
  );
  return (
    <>
      {!titled && link}
      <span>
        {titled && <strong>{seen.title}</strong>}
        <span className="jupyter-auth-says">{titled ? seen.brief : seen.says}</span>
        {seen.details.map(({ text, tip }) => (
          <small key={text} title={tip}>
            {text}
          </small>
        ))}
      </span>
      {seen.scopes.length > 0 && (
        <details>
          <summary>{trans._n("%1 scope", "%1 scopes", seen.scopes.length)}</summary>
          <small>{seen.scopes.join(" ")}</small>
        </details>
      )}
      {titled && link}
      <span className="jupyter-auth-controls">
        {seen.link && login?.grant !== "consent" && (
          <a href={`${href}#stuck`} target="_blank" rel="noopener">
            {trans.__("Trouble signing in?")}
          </a>
        )}
        {seen.actions.map(action => (
          <button
            key={action.label}
            type="button"
            className={action.name === "begin" ? "jupyter-auth-go" : ""}
            aria-label={`${action.label}: ${seen.about}`}
            onClick={() => {
              act(action);
            }}
          >
            {action.label}
          </button>
        ))}
      </span>
    </>
  );
}
