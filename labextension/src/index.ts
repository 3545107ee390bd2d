// JupyterLab's side: a handful of small plugins, each of which can be switched off by itself.

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { IStatusBar } from "@jupyterlab/statusbar";

import { Accounts } from "./accounts";
import { Api, listen } from "./api";
import { addCommands, CATEGORY, SHOW } from "./commands";
import { AccountsPanel } from "./panel";
import { StatusItem } from "./status";
import { IAccounts } from "./tokens";

/** A new tab without an opener, as a click on a link opens it. */
function open(href: string): void {
  const link = document.createElement("a");
  Object.assign(link, { href, target: "_blank", rel: "noopener" });
  link.click();
}

const accounts: JupyterFrontEndPlugin<IAccounts> = {
  id: "jupyter-auth-session:accounts",
  description: "Keeps the accounts in step with the server.",
  autoStart: true,
  provides: IAccounts,
  activate: ({ serviceManager }: JupyterFrontEnd) => {
    const found = new Accounts(new Api(serviceManager.serverSettings), open);
    const reload = (): void => void found.reload();
    listen(serviceManager.events, reload);
    // A script of the same person may have changed something that this server does not watch.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") reload();
    });
    reload();
    return found;
  }
};

const status: JupyterFrontEndPlugin<void> = {
  id: "jupyter-auth-session:status",
  description: "Shows in the status bar how many accounts there are, and the worst state.",
  autoStart: true,
  requires: [IAccounts],
  optional: [IStatusBar],
  activate: ({ commands, shell }: JupyterFrontEnd, found: IAccounts, bar: IStatusBar | null) => {
    const item = new StatusItem({ accounts: found, onClick: () => void commands.execute(SHOW) });
    if (bar) {
      bar.registerStatusItem(item.id, { item, align: "right", rank: 200 });
    } else {
      shell.add(item, "top", { rank: 10_000 }); // Notebook 7 has no status bar
    }
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: "jupyter-auth-session:panel",
  description: "The accounts panel, its commands and menu entries.",
  autoStart: true,
  requires: [IAccounts],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    { commands, shell }: JupyterFrontEnd,
    found: IAccounts,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const widget = new AccountsPanel(found);
    shell.add(widget, "left", { rank: 650, type: CATEGORY });
    restorer?.add(widget, widget.id);
    const show = (): void => {
      shell.activateById(widget.id);
    };
    for (const command of addCommands(commands, found, show)) {
      palette?.addItem({ command, category: CATEGORY });
    }
  }
};

export default [accounts, status, panel];
export { IAccounts } from "./tokens";
