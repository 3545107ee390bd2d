import { EMPTY, type State } from "../src/model";
import type { Account, Consent, Limits, Login } from "../src/wire";

export const NOW = 1_800_000_000;

export const CAMPUS = { name: "campus", title: "Example University", host: "login.example.edu" };

export function account(changes: Partial<Account> = {}): Account {
  return {
    provider: "campus",
    session_key: "default",
    username: "alice",
    scope: "openid",
    expires_at: NOW + 3600,
    refreshes: true,
    signed_in_at: NOW - 60,
    warning: "",
    trouble: "",
    ...changes
  };
}

export function limits(changes: Partial<Limits> = {}): Limits {
  return {
    provider: "campus",
    session_key: "default",
    client_id: null,
    quota: null,
    throttled_until: null,
    notebooks: ["analysis.ipynb"],
    ...changes
  };
}

export function consent(changes: Partial<Consent> = {}): Consent {
  return {
    provider: "campus",
    session_key: "default",
    notebook: "work/analysis.ipynb",
    scope: "openid",
    given_at: NOW - 60,
    until: null,
    ...changes
  };
}

export function login(changes: Partial<Login> = {}): Login {
  return {
    id: "handle",
    provider: "campus",
    session_key: "default",
    grant: "authorization_code",
    host: "login.example.edu",
    status: "pending",
    path: "/base/jupyter-auth/login/handle",
    url: null,
    expires_at: NOW + 600,
    error: null,
    outcome: null,
    kernel: "k",
    notebook: "analysis.ipynb",
    shared: false,
    reason: "",
    ...changes
  };
}

export function state(changes: Partial<State> = {}): State {
  return { ...EMPTY, loaded: true, providers: [CAMPUS], ...changes };
}
