// The item in the status bar: how many accounts, and the most urgent state. Without either there is
// none.

import { ReactWidget } from "@jupyterlab/ui-components";
import * as React from "react";

import { useAccounts, useNow } from "./hooks";
import { lines, summary, worst } from "./model";
import type { IAccounts } from "./tokens";
import { trans } from "./view";

interface Props {
  accounts: IAccounts;
  onClick: () => void;
}

function Item({ accounts, onClick }: Props): React.JSX.Element | null {
  const state = useAccounts(accounts);
  const now = useNow();
  const says = summary(state, now);
  if (!says) return null;
  return (
    <button
      type="button"
      data-condition={worst(state, now)}
      title={[...lines(state, now), trans.__("Show accounts")].join("\n")}
      onClick={onClick}
    >
      {says}
    </button>
  );
}

export class StatusItem extends ReactWidget {
  constructor(private readonly props: Props) {
    super();
    this.id = "jupyter-auth-status";
    this.addClass("jupyter-auth-status");
    this.node.setAttribute("aria-live", "polite");
  }

  protected override render(): React.JSX.Element {
    return <Item {...this.props} />;
  }
}
