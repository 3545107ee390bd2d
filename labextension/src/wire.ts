// What the UI door answers: openapi.yaml beside the server's code is the reference. There is no
// token in any of it.

export interface Provider {
  name: string;
  title: string;
  host: string;
}

/** What kernels saw of the limits of one token's API. `client_id`: a service account's. */
export interface Limits {
  provider: string;
  session_key: string;
  client_id: string | null;
  quota: { limit?: number | null; remaining?: number | null; reset_at?: number | null } | null;
  throttled_until: number | null;
  /** Those that used it lately, the last one first. */
  notebooks: string[];
}

/** One signed-in identity. Times are seconds since 1970 in UTC. */
export interface Account {
  provider: string;
  session_key: string;
  username: string | null;
  scope: string;
  expires_at: number | null;
  refreshes: boolean;
  signed_in_at: number;
  warning: string;
}

/** One attempt of a person to sign in. `kernel` and `notebook` say who asked for it. */
export interface Login {
  id: string;
  provider: string;
  session_key: string;
  /** Where it leads; empty where that is this server, or not known yet. */
  host: string;
  status: "pending" | "complete" | "denied" | "expired" | "cancelled" | "failed";
  path: string | null;
  url: string | null;
  expires_at: number;
  error: Failure | null;
  kernel: string | null;
  notebook: string | null;
  /** Several people use this server, and will all use the account. */
  shared: boolean;
}

export interface Failure {
  code: string;
  message: string;
  hint?: string;
}

/** What can be asked for when a login begins. */
export interface Wish {
  provider: string;
  session_key?: string;
  force?: boolean;
}
