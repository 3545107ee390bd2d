// A silent sign-in as the page starts: it goes to the provider by way of the server, and comes back.

import { PageConfig } from "@jupyterlab/coreutils";

import type { IAccounts } from "./tokens";

const STARTING = 10_000; // ms after which a page is in use

/**
 * The page to leave for, "" if none: each one once in a browser session, also if another tab was
 * there, and never in a browser that keeps no cookie, which would not stop leaving.
 */
export function arrival(
  arrive: Record<string, string>,
  page: Pick<Document, "cookie">,
  href: string,
  base: string
): string {
  const here = new URL(href);
  here.searchParams.delete("token");
  const next = new URLSearchParams({ next: here.pathname + here.search }).toString();
  for (const [provider, path] of Object.entries(arrive)) {
    const cookie = `jupyter-auth-arrived-${here.port}-${provider}=1`; // all ports share cookies
    const kept = (): boolean => page.cookie.split("; ").includes(cookie);
    if (kept()) continue;
    page.cookie = `${cookie}; path=${base}; SameSite=Lax`;
    if (kept()) return `${path}?${next}`;
  }
  return "";
}

/**
 * Leave once the server has said where to, if at all. That is safe only as the page starts: what is
 * being restored is restored again, and kernels run on. `dirty`: something has been changed or run.
 * A provider cannot be shown in a frame, so a page in one stays.
 */
export function leaveAtStart(accounts: IAccounts, dirty: () => boolean): void {
  const decide = (): void => {
    if (!accounts.state.loaded) return;
    accounts.changed.disconnect(decide);
    if (performance.now() > STARTING || dirty() || window.top !== window.self) return;
    const { arrive } = accounts.state;
    const to = arrival(arrive, document, location.href, PageConfig.getBaseUrl());
    if (to) location.assign(to);
  };
  accounts.changed.connect(decide);
}
