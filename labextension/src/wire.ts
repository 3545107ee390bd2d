// Responses of the browser API (reference: jupyter_auth/server/openapi.yaml). None has a token.

export interface Provider {
  name: string;
  title: string;
  host: string;
  source?: "configured" | "broken" | "code" | "found" | "user" | "preset";
  scopes?: string[];
  base_url?: string | null;
  /** The address that it was found by. */
  found_at?: string | null;
  /** What a sign-in lacks: `set.<placeholder>`, `client_id`, `client_secret`. */
  missing?: string[];
  placeholders?: Record<string, { says: string }>;
}

/** The API limits that kernels saw for one token. `client_id` is set for service accounts. */
export interface Limits {
  provider: string;
  session_key: string;
  client_id: string | null;
  quota: { limit?: number | null; remaining?: number | null; reset_at?: number | null } | null;
  throttled_until: number | null;
  /** The notebooks that used it, the latest first. */
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
  /** Why it is not renewed; "" if it is. */
  trouble: string;
}

/** A notebook that may use an account. Times are as in `Account`; `until` is null for always. */
export interface Consent {
  provider: string;
  session_key: string;
  notebook: string;
  scope: string;
  given_at: number;
  until: number | null;
}

/** One attempt to sign in. `kernel` and `notebook` say what requested it. */
export interface Login {
  id: string;
  provider: string;
  session_key: string;
  /** `consent`: the account is there, and a notebook asks to use it. */
  grant: string;
  /** Where it leads; empty if to this server or not known yet. */
  host: string;
  status: "pending" | "complete" | "denied" | "expired" | "cancelled" | "failed";
  path: string | null;
  url: string | null;
  expires_at: number;
  error: Failure | null;
  /** How it ended, in words; null while it is pending. */
  outcome: Outcome | null;
  kernel: string | null;
  notebook: string | null;
  /** Several people use this server, and will all be able to use the account. */
  shared: boolean;
  /** What an API demands, in a sentence; "" if nothing. */
  reason: string;
}

export interface Outcome {
  title: string;
  text: string;
  tone: "success" | "error" | "late" | "neutral";
}

export interface Failure {
  code: string;
  message: string;
  hint?: string;
}

/** The request that begins a login. */
export interface LoginRequest {
  provider: string;
  session_key?: string;
  force?: boolean;
}
