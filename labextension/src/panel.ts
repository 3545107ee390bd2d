// The panel in JupyterLab's side bar: a toolbar, the accounts, and a form to add one.

import {
  addIcon,
  type LabIcon,
  refreshIcon,
  SidePanel,
  ToolbarButton
} from "@jupyterlab/ui-components";
import { AccordionPanel, Panel, SplitPanel } from "@lumino/widgets";

import { AddSection } from "./add";
import { icon } from "./icon";
import { RowsSection } from "./rows";
import { Said, SaidLine } from "./said";
import type { IAccounts } from "./tokens";
import { trans } from "./view";

export class AccountsPanel extends SidePanel {
  private readonly form: AddSection;

  constructor(private readonly accounts: IAccounts) {
    super({ header: new Panel() });
    this.id = "jupyter-auth-accounts";
    this.title.icon = icon;
    this.title.caption = trans.__("Accounts");
    this.addClass("jupyter-auth-panel");
    this.node.tabIndex = -1;
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", trans.__("Accounts"));

    const said = new Said();
    const add = (): void => {
      this.add();
    };
    const lost = (): void => {
      this.node.focus();
    };
    this.form = new AddSection({ accounts, said });
    this.header.addWidget(new SaidLine({ accounts, said }));
    this.toolbar.addItem("add", button(addIcon, trans.__("Add a provider…"), add));
    const reload = (): void => void accounts.reload();
    this.toolbar.addItem("refresh", button(refreshIcon, trans.__("Refresh"), reload));
    this.addWidget(new RowsSection({ accounts, said, add, lost }));
    this.addWidget(this.form);
    if (this.content instanceof SplitPanel) this.content.setRelativeSizes([3, 2]);
  }

  /** Show the form, with the focus in it. */
  add(): void {
    const sections = this.content;
    if (sections instanceof AccordionPanel) sections.expand(sections.widgets.indexOf(this.form));
    this.form.node.querySelector("input")?.focus();
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

function button(icon: LabIcon, tooltip: string, onClick: () => void): ToolbarButton {
  return new ToolbarButton({ icon, tooltip, onClick, noFocusOnClick: true });
}
