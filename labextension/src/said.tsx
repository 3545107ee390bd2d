// What the panel says above its sections: what became of the last action, or that the server is
// away.

import { ReactWidget } from "@jupyterlab/ui-components";
import { type ISignal, Signal } from "@lumino/signaling";
import * as React from "react";

import { useAccounts, useSignal } from "./hooks";
import type { IAccounts } from "./tokens";
import { trans } from "./view";

export class Said {
  private current = "";
  private readonly signal = new Signal<this, void>(this);

  get changed(): ISignal<this, void> {
    return this.signal;
  }

  get text(): string {
    return this.current;
  }

  say(text: string): void {
    this.current = text;
    this.signal.emit();
  }

  /** Say what an action returns, or why it failed. */
  async outcome(done: Promise<string>): Promise<void> {
    this.say(await done.catch((error: unknown) => (error as Error).message));
  }
}

interface Props {
  accounts: IAccounts;
  said: Said;
}

function Line({ accounts, said }: Props): React.JSX.Element {
  const { reached } = useAccounts(accounts);
  const text = useSignal(said.changed, () => said.text);
  const away = trans.__("The Jupyter server is not responding. This list may be out of date.");
  return (
    <p role="status" className="jupyter-auth-said">
      {reached ? text : away}
    </p>
  );
}

export class SaidLine extends ReactWidget {
  constructor(private readonly props: Props) {
    super();
  }

  protected override render(): React.JSX.Element {
    return <Line {...this.props} />;
  }
}
