// Which notebooks may use an account, below its row, where the server asks for consent.

import * as React from "react";

import { type Place, trans } from "./view";
import type { Consent } from "./wire";

interface Props {
  place: Place;
  revoke: (consent: Consent) => void;
}

function until({ until }: Consent): string {
  if (until === null) return trans.__("Until revoked");
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  return trans.__("Until %1", format.format(until * 1000));
}

export function Consents({ place, revoke }: Props): React.JSX.Element | null {
  const { consents = [] } = place;
  if (consents.length === 0) return null;
  return (
    <ul className="jupyter-auth-consents" aria-label={trans.__("Notebooks that may use it")}>
      {consents.map(each => {
        const name = each.notebook || trans.__("Programs without a notebook");
        return (
          <li key={`${each.notebook} ${each.given_at}`}>
            <span>
              {trans.__("May be used by %1", name)}
              <small>{until(each)}</small>
            </span>
            <button
              type="button"
              aria-label={trans.__("Revoke: %1", name)}
              onClick={() => {
                revoke(each);
              }}
            >
              {trans.__("Revoke")}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
