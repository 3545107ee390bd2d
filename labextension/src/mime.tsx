// Draws sign-ins in the outputs of cells: what the kernel said then, and what the server knows now.
// A notebook may come from anyone: its words are shown as text, and no link or button is made of them.

import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { ReactWidget } from "@jupyterlab/ui-components";
import { Panel, type Widget } from "@lumino/widgets";
import * as React from "react";

import { focusFirst, KeptFocus } from "./focus";
import { useAccounts, useNow } from "./hooks";
import { inOutput, read, type Statement, widgetOf } from "./mimeModel";
import { carryOut, SeenPlace } from "./place";
import type { IAccounts } from "./tokens";

/** Written by jupyter_auth/kernel/prompt/prompt.py. */
export const MIME_TYPE = "application/vnd.jupyter-auth.sign-in+json";

/** That of widgets has -10; the lowest one draws an output. */
export const RANK = -20;

const VIEW = "application/vnd.jupyter.widget-view+json";

interface Props {
  said: Statement;
  ofWidget: boolean;
  accounts: IAccounts;
  node: HTMLElement;
}

function SignIn({ said, ofWidget, accounts, node }: Props): React.JSX.Element {
  const state = useAccounts(accounts);
  const now = useNow();
  const [note, setNote] = React.useState("");
  const { place, seen } = inOutput(said, ofWidget, state, now);
  const details = note ? [...seen.details, { text: note, tip: "" }] : seen.details;
  const tell = (error: unknown): void => {
    setNote((error as Error).message);
  };
  return (
    <KeptFocus within={() => node} lost={() => focusFirst(node)}>
      <div role="status" className="jupyter-auth" data-look={seen.look}>
        <SeenPlace
          seen={{ ...seen, details }}
          login={place.login}
          act={action => void carryOut(accounts, place, action).then(setNote, tell)}
        />
      </div>
    </KeptFocus>
  );
}

/** The registry of the notebook or console that an output is in. */
function registryOf(output: Widget): IRenderMimeRegistry | null {
  for (let at = output.parent; at; at = at.parent) {
    if ("rendermime" in at) return at.rendermime as IRenderMimeRegistry;
  }
  return null;
}

/** One output. It gives way to the kernel's own widget, which knows what the kernel asked for. */
export class SignInOutput extends ReactWidget implements IRenderMime.IRenderer {
  private said: Statement | null = null;
  private plain = "";
  private model: IRenderMime.IMimeModel | null = null;
  private shown: { id: string; renderer: IRenderMime.IRenderer } | null = null;
  private readonly drawn = new MutationObserver(() => {
    this.giveWay();
  });

  constructor(private readonly accounts: IAccounts) {
    super();
    this.addClass("jupyter-auth-output");
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    this.said = read(model.data[MIME_TYPE]);
    const plain = model.data["text/plain"];
    this.plain = typeof plain === "string" ? plain : "";
    this.update();
    if (this.isAttached) this.showWidget();
    return this.renderPromise ?? Promise.resolve();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.drawn.disconnect();
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    const { said, accounts, node } = this;
    if (!said) return <pre>{this.plain}</pre>; // of a later version, or no one's
    const ofWidget = VIEW in (this.model?.data ?? {});
    return <SignIn {...{ said, ofWidget, accounts, node }} />;
  }

  protected override onAfterAttach(): void {
    this.update();
    this.showWidget();
  }

  /**
   * Have the widget's view beside this, hidden until it draws something: its model may be missing.
   * The widgets' manager finds it there, among the children of an output.
   */
  private showWidget(): void {
    const id = this.model ? widgetOf(this.model.trusted, this.model.data[VIEW]) : "";
    if ((this.shown?.id ?? "") === id) return;
    this.shown?.renderer.dispose();
    this.shown = null;
    this.show();
    const registry = registryOf(this);
    if (!id || !this.model || !registry?.getFactory(VIEW) || !(this.parent instanceof Panel))
      return;
    const renderer = registry.createRenderer(VIEW);
    this.shown = { id, renderer };
    renderer.addClass("jp-OutputArea-output");
    renderer.hide();
    this.parent.insertWidget(this.parent.widgets.indexOf(this), renderer);
    this.drawn.observe(renderer.node, { attributes: true, childList: true, subtree: true });
    void renderer.renderModel(this.model);
  }

  /** Hide this if the widget has drawn something, unless a person is about to use this. */
  private giveWay(): void {
    const { renderer } = this.shown ?? {};
    if (!renderer?.node.querySelector("[data-look]")) return;
    this.drawn.disconnect();
    if (this.node.contains(document.activeElement)) return;
    this.hide();
    renderer.show();
  }
}
