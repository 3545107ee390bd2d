import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { IStatusBar } from "@jupyterlab/statusbar";

import { Accounts } from "./accounts";
import { Api, listen } from "./api";
import { StatusItem } from "./status";
import { IAccounts } from "./tokens";

const SHOW = "jupyter-auth:show-accounts";

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
  activate: (app: JupyterFrontEnd, found: IAccounts, bar: IStatusBar | null) => {
    const item = new StatusItem(found, () => void app.commands.execute(SHOW));
    if (bar) {
      bar.registerStatusItem("jupyter-auth-session", { item, align: "right", rank: 200 });
    } else {
      item.id = "jupyter-auth-status";
      app.shell.add(item, "top", { rank: 10_000 });
    }
  }
};

export default [accounts, status];
export { IAccounts } from "./tokens";
