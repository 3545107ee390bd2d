// JupyterLab's own notifications (a pop-up, and the list at the bell) that a notebook needs a
// sign-in or that an account has ended. Each is there until that is settled or it is dismissed.

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { type ISessionContext, Notification } from "@jupyterlab/apputils";
import { PathExt } from "@jupyterlab/coreutils";

import { hrefOf, type Notice, notices } from "./model";
import { openTab } from "./open";
import type { IAccounts } from "./tokens";
import type { Login } from "./wire";

const { basename } = PathExt;

/** What a widget has that shows a notebook or a console. */
interface Document {
  isVisible: boolean;
  sessionContext?: ISessionContext;
  context?: { path: string };
}

/** Which notices to show, from the settings. */
export interface Wanted {
  signInNeeded: boolean;
  signInEnded: boolean;
}

export class Notices {
  /** The notifications by their notices' ids; those that were dismissed too. */
  private readonly shown = new Map<string, string>();
  private wanted: Wanted = { signInNeeded: false, signInEnded: false };

  constructor(
    private readonly accounts: IAccounts,
    private readonly shell: JupyterFrontEnd.IShell
  ) {
    const update = (): void => {
      this.update();
    };
    accounts.changed.connect(update);
    shell.currentChanged?.connect(update);
  }

  want(wanted: Wanted): void {
    this.wanted = wanted;
    this.update();
  }

  private update(): void {
    const found = notices(this.accounts.state, Date.now() / 1000).filter(({ login }) =>
      login ? this.wanted.signInNeeded && !this.inFront(login) : this.wanted.signInEnded
    );
    const ids = found.map(({ id }) => id);
    for (const [id, notification] of this.shown) {
      if (ids.includes(id)) continue;
      Notification.dismiss(notification);
      this.shown.delete(id);
    }
    for (const notice of found) {
      if (!this.shown.has(notice.id)) this.shown.set(notice.id, this.notify(notice));
    }
  }

  private notify({ says, action, tip, request, login }: Notice): string {
    const signIn = (event: MouseEvent): void => {
      event.preventDefault(); // it goes when this is settled
      if (login) openTab(hrefOf(login));
      else void this.accounts.signIn(request).catch(failed);
    };
    const button = { label: action, caption: tip || action, displayType: "accent" as const };
    const actions = [{ ...button, callback: signIn }];
    return Notification.warning(says, { autoClose: false, actions });
  }

  /** Whether the notebook or console that asked is to be seen: it shows the link itself. */
  private inFront({ kernel, notebook }: Login): boolean {
    const documents: Document[] = [...this.shell.widgets("main")];
    return documents.some(({ isVisible, sessionContext, context }) => {
      const running = sessionContext?.session?.kernel?.id;
      const asked = running ? running === kernel : basename(context?.path ?? "") === notebook;
      return isVisible && asked;
    });
  }
}

function failed(error: unknown): void {
  Notification.error((error as Error).message, { autoClose: false });
}
