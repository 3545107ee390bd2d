// The commands of the palette and the menus.

import { Dialog, InputDialog, showDialog, showErrorMessage } from "@jupyterlab/apputils";
import type { CommandRegistry } from "@lumino/commands";

import { choice, titleOf } from "./model";
import type { IAccounts } from "./tokens";
import { keySuffix, plainName, signedIn, trans } from "./view";

export const SHOW = "jupyter-auth:show";
export const SIGN_IN = "jupyter-auth:sign-in";
export const SIGN_OUT = "jupyter-auth:sign-out";

export function category(): string {
  return trans.__("Accounts");
}

function okButton(): Dialog.IButton {
  return Dialog.okButton({ label: trans.__("OK") });
}

/** One of several, chosen by its label; null if cancelled. */
async function choose<T>(title: string, items: Map<string, T>): Promise<T | null> {
  if (items.size === 1) return [...items.values()][0] ?? null;
  const okLabel = title.replace("…", "");
  const { value } = await InputDialog.getItem({ title, items: [...items.keys()], okLabel });
  return value === null ? null : (items.get(value) ?? null);
}

/** Show in a dialog what went wrong. */
async function reported(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    await showErrorMessage(category(), error as Error, [okButton()]);
  }
}

async function signIn(accounts: IAccounts, show: () => void): Promise<void> {
  const names = accounts.state.providers.map(
    each => [`${choice(each)} (${each.name})`, each.name] as const
  );
  const provider = await choose(trans.__("Sign In…"), new Map(names));
  if (!provider) return;
  show(); // it has the link, should the browser block the new tab
  await accounts.signIn({ provider });
}

async function signOut(accounts: IAccounts): Promise<void> {
  const { state } = accounts;
  const labelled = state.accounts.map(each => {
    const { provider, session_key, username } = each;
    const said = signedIn(titleOf(state, provider), username);
    return [`${said} (${plainName(provider)})${keySuffix(session_key)}`, each] as const;
  });
  const account = await choose(trans.__("Sign Out…"), new Map(labelled));
  if (!account) return;
  const note = await accounts.signOut(account.provider, account.session_key);
  if (note) await showDialog({ title: category(), body: note, buttons: [okButton()] });
}

export function addCommands(
  commands: CommandRegistry,
  accounts: IAccounts,
  show: () => void
): string[] {
  commands.addCommand(SHOW, { label: trans.__("Show Accounts"), execute: show });
  commands.addCommand(SIGN_IN, {
    label: trans.__("Sign In…"),
    isEnabled: () => accounts.state.providers.length > 0,
    execute: () => reported(signIn(accounts, show))
  });
  commands.addCommand(SIGN_OUT, {
    label: trans.__("Sign Out…"),
    isEnabled: () => accounts.state.accounts.length > 0,
    execute: () => reported(signOut(accounts))
  });
  accounts.changed.connect(() => {
    commands.notifyCommandChanged();
  });
  return [SHOW, SIGN_IN, SIGN_OUT];
}
