// The browser API, and the server's events that something changed.

import { URLExt } from "@jupyterlab/coreutils";
import { type Event, ServerConnection } from "@jupyterlab/services";

import type { State } from "./model";
import { plainName, sentence, trans } from "./view";
import type { Consent, Failure, Login, LoginRequest, Provider } from "./wire";

/** Registered by the server: jupyter_auth/server/browser/events.py. */
export const CHANGED = "https://events.jupyter.org/jupyter_auth_session/changed/v1";

/** One user's accounts on the server. Methods reject with a message to show that user. */
export class Api {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  async state(): Promise<State> {
    const [{ providers, arrive = {} }, { accounts }, { logins }, { limits }, consents] =
      await Promise.all([
        this.call<Pick<State, "providers"> & Partial<Pick<State, "arrive">>>(
          "GET",
          "providers?unregistered=1"
        ),
        this.call<Pick<State, "accounts">>("GET", "accounts"),
        this.call<Pick<State, "logins">>("GET", "logins"),
        this.call<Pick<State, "limits">>("GET", "usage"),
        this.consents()
      ]);
    const found = {
      loaded: true,
      reached: true,
      providers,
      accounts,
      logins,
      limits,
      consents,
      arrive
    };
    return { ...found, made: await this.made(found) };
  }

  /** None where the Hub's service is older than this. */
  private async consents(): Promise<Consent[]> {
    const found = this.call<{ consents: Consent[] }>("GET", "consents");
    return (await found.catch(() => ({ consents: [] }))).consents;
  }

  /** Providers defined in notebooks are in no list: fetch those of accounts and logins. */
  private async made(state: Omit<State, "made">): Promise<Provider[]> {
    const named = [...state.accounts, ...state.logins].map(each => each.provider);
    const names = [...new Set(named)].filter(name => plainName(name) !== name);
    const calls = names.map(name =>
      this.call<Provider>("GET", `providers/${encodeURIComponent(name)}`).catch(() => null)
    );
    return (await Promise.all(calls)).filter(each => each !== null);
  }

  /** The provider of that name, or of the API at that address, which is asked and kept. */
  find(typed: string): Promise<Provider> {
    if (typed.includes("://")) return this.call("POST", "discoveries", { address: typed });
    return this.call("GET", `providers/${encodeURIComponent(typed)}`);
  }

  remove(name: string): Promise<{ note: string }> {
    return this.call("DELETE", `providers/${encodeURIComponent(name)}`);
  }

  begin(request: LoginRequest): Promise<Login> {
    return this.call("POST", "logins", request);
  }

  cancel(id: string): Promise<Login> {
    return this.call("DELETE", `logins/${encodeURIComponent(id)}`);
  }

  signOut(provider: string, sessionKey: string): Promise<{ note: string }> {
    const query = new URLSearchParams({ provider, session_key: sessionKey });
    return this.call("DELETE", `accounts?${query.toString()}`);
  }

  revoke({ provider, session_key, notebook }: Consent): Promise<{ removed: boolean }> {
    const query = new URLSearchParams({ provider, session_key, notebook });
    return this.call("DELETE", `consents?${query.toString()}`);
  }

  private async call<T>(method: string, path: string, body?: object): Promise<T> {
    const url = URLExt.join(this.settings.baseUrl, "jupyter-auth/api/v1", path);
    const init: RequestInit = { method, ...(body && { body: JSON.stringify(body) }) };
    const answer = await ServerConnection.makeRequest(url, init, this.settings);
    const data = (await answer.json().catch(() => null)) as unknown;
    if (answer.ok && data) return data as T;
    throw new Error(
      sentence(data as Failure | null) ||
        trans.__("The Jupyter server returned HTTP %1.", answer.status)
    );
  }
}

/** Call `changed` on each event of a change. */
export function listen(events: Event.IManager, changed: () => void): void {
  events.stream.connect((_, event) => {
    if (event.schema_id === CHANGED) changed();
  });
}
