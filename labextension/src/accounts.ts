// The state that all views share, kept in step with the server, and the actions on it.

import { type ISignal, Signal } from "@lumino/signaling";

import type { Api } from "./api";
import { EMPTY, hrefOf, type State } from "./model";
import type { IAccounts } from "./tokens";
import type { Consent, Login, LoginRequest, Provider } from "./wire";

const RETRY = 10_000; // ms until a server that did not answer is asked again

export class Accounts implements IAccounts {
  private current: State = EMPTY;
  private loading: Promise<void> | null = null;
  private stale = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly signal = new Signal<this, void>(this);

  constructor(
    private readonly api: Api,
    private readonly open: (href: string) => void
  ) {}

  get state(): State {
    return this.current;
  }

  get changed(): ISignal<IAccounts, void> {
    return this.signal;
  }

  /** Runs one request at a time; calls during it lead to one more. */
  reload(): Promise<void> {
    this.stale = true;
    this.loading ??= this.load().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  async find(typed: string): Promise<Provider> {
    const found = await this.api.find(typed);
    await this.reload();
    return found;
  }

  async remove(name: string): Promise<string> {
    const { note } = await this.api.remove(name);
    await this.reload();
    return note;
  }

  signIn(request: LoginRequest): Promise<Login> {
    return this.begin(request, "");
  }

  edit(provider: string): Promise<Login> {
    return this.begin({ provider, force: true }, "?edit");
  }

  async cancel(login: Login): Promise<void> {
    await this.api.cancel(login.id);
    await this.reload();
  }

  async signOut(provider: string, sessionKey: string): Promise<string> {
    const { note } = await this.api.signOut(provider, sessionKey);
    await this.reload();
    return note;
  }

  async revoke(consent: Consent): Promise<string> {
    await this.api.revoke(consent);
    await this.reload();
    return "";
  }

  private async begin(request: LoginRequest, query: string): Promise<Login> {
    const login = await this.api.begin(request);
    this.open(hrefOf(login) + query);
    void this.reload();
    return login;
  }

  private async load(): Promise<void> {
    while (this.stale) {
      this.stale = false;
      clearTimeout(this.retry);
      try {
        this.current = await this.api.state();
      } catch {
        this.current = { ...this.current, reached: false };
        this.retry = setTimeout(() => void this.reload(), RETRY);
      }
      this.signal.emit();
    }
  }
}
