// The item in the status bar: how many accounts, and how the worst of them is.

import { ReactWidget } from "@jupyterlab/ui-components";
import * as React from "react";

import { lines, summary, worst } from "./model";
import type { IAccounts } from "./tokens";

export class StatusItem extends ReactWidget {
  constructor(
    private readonly accounts: IAccounts,
    private readonly onClick: () => void
  ) {
    super();
    this.addClass("jupyter-auth-status");
    accounts.changed.connect(() => {
      this.update();
    });
  }

  protected override render(): React.JSX.Element {
    const { state } = this.accounts;
    const now = Date.now() / 1000;
    return (
      <button
        type="button"
        data-condition={worst(state, now)}
        title={[...lines(state, now), "Show accounts"].join("\n")}
        onClick={this.onClick}
      >
        {summary(state, now)}
      </button>
    );
  }
}
