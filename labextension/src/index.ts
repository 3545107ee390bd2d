// Small JupyterLab plugins, each of which can be disabled by itself. They and their listeners live
// as long as the page.

import {
  ILabStatus,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { PageConfig } from "@jupyterlab/coreutils";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { IStatusBar } from "@jupyterlab/statusbar";
import { ITranslator } from "@jupyterlab/translation";

import { Accounts } from "./accounts";
import { Api, listen } from "./api";
import { leaveAtStart } from "./arrive";
import { addCommands, category, SHOW } from "./commands";
import { measured } from "./measured";
import { MIME_TYPE, RANK, SignInOutput } from "./mime";
import { Notices } from "./notices";
import { openTab } from "./open";
import { AccountsPanel } from "./panel";
import { StatusItem } from "./status";
import { IAccounts } from "./tokens";
import { speak } from "./view";

/** Its catalogs: jupyter_auth/locale. */
const DOMAIN = "jupyter_auth_session";

const accounts: JupyterFrontEndPlugin<IAccounts> = {
  id: "jupyter-auth-session:accounts",
  description: "Keeps the accounts in step with the server, and loads the translations.",
  autoStart: true,
  provides: IAccounts,
  optional: [ITranslator],
  activate: ({ serviceManager }: JupyterFrontEnd, translator: ITranslator | null) => {
    if (translator) speak(translator.load(DOMAIN)); // all other plugins come after this one
    const found = new Accounts(new Api(serviceManager.serverSettings), openTab);
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
    shell.add(widget, "left", { rank: 650, type: category() });
    restorer?.add(widget, widget.id);
    const show = (): void => {
      shell.activateById(widget.id);
    };
    for (const command of addCommands(commands, found, show)) {
      palette?.addItem({ command, category: category() });
    }
  }
};

const notices: JupyterFrontEndPlugin<void> = {
  id: "jupyter-auth-session:toasts", // its settings have been kept by this name from the start
  description: "Notifies you when a notebook needs you to sign in.",
  autoStart: true,
  requires: [IAccounts],
  optional: [ISettingRegistry],
  activate: (
    { restored, shell }: JupyterFrontEnd,
    found: IAccounts,
    registry: ISettingRegistry | null
  ) => {
    const shown = new Notices(found, shell);
    const follow = (settings?: ISettingRegistry.ISettings | null): void => {
      shown.want({
        signInNeeded: settings?.get("signInNeeded").composite !== false,
        signInEnded: settings?.get("signInEnded").composite !== false
      });
    };
    const loaded = registry?.load(notices.id).catch((error: unknown) => {
      console.warn("Cannot read the settings of the sign-in notices:", error);
      return null;
    });
    // Before the layout is restored, no notebook is in front.
    void Promise.all([loaded, restored]).then(([settings]) => {
      settings?.changed.connect(follow);
      follow(settings);
    });
  }
};

const outputs: JupyterFrontEndPlugin<void> = {
  id: "jupyter-auth-session:outputs",
  description: "Draws sign-ins in the outputs of cells, also in saved notebooks.",
  autoStart: true,
  requires: [IAccounts, IRenderMimeRegistry],
  activate: (_: JupyterFrontEnd, found: IAccounts, rendermime: IRenderMimeRegistry) => {
    const createRenderer = (): SignInOutput => new SignInOutput(found);
    rendermime.addFactory({ safe: true, mimeTypes: [MIME_TYPE], createRenderer }, RANK);
  }
};

const arrive: JupyterFrontEndPlugin<void> = {
  id: "jupyter-auth-session:arrive",
  description: "Signs you in without a click at providers with `silent`, as the page starts.",
  autoStart: true,
  requires: [IAccounts],
  optional: [ILabStatus],
  activate: (_: JupyterFrontEnd, found: IAccounts, lab: ILabStatus | null) => {
    leaveAtStart(found, () => lab?.isDirty ?? false);
  }
};

// Only where the page's server says that it has the accounts: Voila's pages and JupyterLite's sites
// have none.
const served = PageConfig.getOption("jupyterAuth") === "true";

export default served
  ? [
      measured(accounts),
      measured(status),
      measured(panel),
      measured(notices),
      measured(outputs),
      measured(arrive)
    ]
  : [];
export { IAccounts } from "./tokens";
