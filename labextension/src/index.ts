// Small JupyterLab plugins, each of which can be disabled by itself. They and their listeners live
// as long as the page.

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { IStatusBar } from "@jupyterlab/statusbar";
import { Widget } from "@lumino/widgets";

import { Accounts } from "./accounts";
import { Api, listen } from "./api";
import { addCommands, CATEGORY, SHOW } from "./commands";
import { measured } from "./measured";
import { AccountsPanel } from "./panel";
import { StatusItem } from "./status";
import { Toasts } from "./toasts";
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
    // The user's scripts may have changed accounts without this server noticing.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") reload();
    });
    reload();
    return found;
  }
};

const status: JupyterFrontEndPlugin<void> = {
  id: "jupyter-auth-session:status",
  description: "Shows in the status bar how many accounts there are, and the most urgent state.",
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

const toasts: JupyterFrontEndPlugin<void> = {
  id: "jupyter-auth-session:toasts",
  description: "Shows a notice when a notebook needs you to sign in.",
  autoStart: true,
  requires: [IAccounts],
  optional: [ISettingRegistry],
  activate: (_: JupyterFrontEnd, found: IAccounts, registry: ISettingRegistry | null) => {
    const widget = new Toasts(found, { signInNeeded: true, signInEnded: true });
    Widget.attach(widget, document.body);
    const follow = (settings: ISettingRegistry.ISettings): void => {
      widget.want({
        signInNeeded: settings.get("signInNeeded").composite === true,
        signInEnded: settings.get("signInEnded").composite === true
      });
    };
    registry?.load(toasts.id).then(
      settings => {
        follow(settings);
        settings.changed.connect(follow);
      },
      (error: unknown) => {
        console.warn("Cannot read the settings of the sign-in notices:", error);
      }
    );
  }
};

export default [measured(accounts), measured(status), measured(panel), measured(toasts)];
export { IAccounts } from "./tokens";
