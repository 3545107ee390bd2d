import { expect, test } from "vitest";

import {
  lifetime,
  limitWords,
  needed,
  type Place,
  renewal,
  type Seen,
  usersOf,
  view
} from "../src/view";
import { account, CAMPUS, limits, login, NOW } from "./samples";

test.each([
  [{ expires_at: NOW + 3600 }, "Stays signed in", /automatically, next by .*\d:\d\d.*\.$/],
  [{ expires_at: NOW + 30, refreshes: false }, "Expires in a minute, then sign in again", /^$/],
  [{ expires_at: NOW + 5400, refreshes: false }, "Expires in 2 hours, then sign in again", /^$/],
  [{ expires_at: NOW + 365 * 86400, refreshes: false }, /^Expires in 365 days, then/, /^$/],
  [{ expires_at: NOW - 1 }, "Stays signed in", /renewed when it is next used\.$/],
  [{ expires_at: NOW - 1, refreshes: false }, "Sign in again to use it", /^$/],
  [{ expires_at: null }, "Does not expire", /^$/]
])("how long %o lasts", (changes, said, tip) => {
  expect(lifetime(account(changes), NOW)).toMatch(said);
  expect(renewal(account(changes), NOW)).toMatch(tip);
});

test.each([
  [undefined, /^$/],
  [limits(), /^$/],
  [limits({ quota: { limit: 5000 } }), /^$/],
  [limits({ quota: { remaining: 0 } }), /^0 calls left$/],
  [limits({ quota: { remaining: 1 } }), /^1 call left$/],
  [limits({ quota: { limit: 5000, remaining: 4321 } }), /^4321 of 5000 calls left$/],
  [limits({ quota: { remaining: 4, reset_at: NOW + 60 } }), /^4 calls left until .*\d:\d\d/],
  [limits({ quota: { remaining: 4, reset_at: NOW - 1 } }), /^$/],
  [
    limits({ quota: { remaining: 4 }, throttled_until: NOW + 60 }),
    /^API calls paused until .*\d:\d\d/
  ],
  [limits({ throttled_until: NOW }), /^$/]
])("what is known of %o", (known, said) => {
  expect(limitWords(known, NOW)).toMatch(said);
});

test.each([
  [[], ""],
  [["a"], "Used by a"],
  [["a", "b"], "Used by a and b"],
  [["a", "b", "c"], "Used by a, b and c"],
  [["a", "b", "c", "d"], "Used by a, b and 2 more"]
])("that %o use it", (notebooks, said) => {
  expect(usersOf(limits({ notebooks }))).toBe(said);
});

function place(changes: Partial<Place> = {}): Place {
  return { name: "campus", session_key: "default", provider: CAMPUS, ...changes };
}

function texts(found: Seen): string[] {
  return found.details.map(each => each.text);
}

function labels(found: Seen): string[] {
  return found.actions.map(action => action.label);
}

test("an account: who, how long, and only what there is to tell besides", () => {
  const found = view(place({ account: account({ scope: "" }) }), NOW);
  expect(found).toMatchObject({ look: "in", says: "Signed in to Example University as alice" });
  expect(texts(found)).toEqual(["Stays signed in"]);
  expect(labels(found)).toEqual(["Switch account", "Sign out"]);
});

test("a pending login says what the provider's page said", () => {
  const error = { code: "login_failed", message: "It said: disabled.", hint: "Try again." };
  const found = view(place({ login: login({ error }) }), NOW);
  expect(found.look).toBe("pending");
  expect(texts(found)[0]).toBe("It said: disabled. Try again.");
});

test("an account with all that can be told", () => {
  const rich = account({ warning: "Not saved." });
  const known = limits({ quota: { remaining: 7 } });
  const found = view(place({ account: rich, limits: known, session_key: "b" }), NOW);
  expect(found).toMatchObject({ look: "failed", about: "Example University as alice (b)" });
  expect(texts(found)).toEqual([
    "Not saved.",
    "Stays signed in",
    "7 calls left",
    "Used by analysis.ipynb",
    "Label: b"
  ]);
  expect(found.scopes).toEqual(["openid"]);
  expect(found).toMatchObject({ title: "Example University", brief: "alice" });
});

test("an account that is over asks for its person", () => {
  const found = view(place({ account: account({ refreshes: false, expires_at: NOW }) }), NOW);
  expect(found.look).toBe("failed");
  expect(found.says).toBe("Your sign-in to Example University as alice has expired");
  expect(found.brief).toBe("alice · Sign-in expired");
  expect(texts(found)[0]).toBe("Sign in again to use it");
  expect(labels(found)).toEqual(["Sign in again", "Sign out"]);
});

test("a login under way comes before the account that it replaces", () => {
  const found = view(place({ account: account(), login: login() }), NOW);
  expect(found).toMatchObject({ look: "pending", link: "Sign in to Example University" });
  expect(texts(found)).toEqual(["Requested by analysis.ipynb"]);
  expect(labels(found)).toEqual(["Cancel"]);
});

test("what an API demands of a login under way", () => {
  const reason = "The API api.example asks for the scope files.write.";
  const found = view(place({ account: account(), login: login({ reason }) }), NOW);
  expect(texts(found)).toEqual([reason, "Requested by analysis.ipynb"]);
});

test("an account that its provider does not renew", () => {
  const trouble = "idp.example ended this sign-in (invalid_grant).";
  const working = view(place({ account: account({ trouble }) }), NOW);
  expect(working.says).toBe("Signed in to Example University as alice");
  expect(texts(working).slice(0, 2)).toEqual([
    trouble,
    "Expires in 60 minutes, then sign in again"
  ]);
  const over = view(place({ account: account({ trouble, expires_at: NOW - 1 }) }), NOW);
  const says = "Sign-in needed for Example University as alice";
  expect(over).toMatchObject({ look: "failed", says, brief: "alice · Sign-in needed" });
  expect(texts(over).slice(0, 2)).toEqual([trouble, "Sign in again to use it"]);
  expect(labels(over)).toEqual(["Sign in again", "Sign out"]);
});

test("a cancelled login is not a failure", () => {
  const outcome = {
    title: "Sign-in cancelled",
    text: "It was cancelled.",
    tone: "neutral" as const
  };
  const found = view(place({ login: login({ status: "cancelled", outcome }) }), NOW);
  expect(found).toMatchObject({ look: "out", says: "It was cancelled." });
});

test.each([
  ["expired", "late"],
  ["failed", "error"],
  ["denied", "error"]
] as const)("a login that is %s is told in the server's words", (status, tone) => {
  const outcome = { title: "Sign-in ended", text: "It said no. Ask.", tone };
  const error = { code: "x", message: "Not this.", hint: "" };
  const found = view(place({ login: login({ status, outcome, error }) }), NOW);
  expect(found).toMatchObject({ look: "failed", says: "It said no. Ask." });
  expect(labels(found)).toEqual(["Try again"]);
});

test("not signed in, at a provider that is no longer known", () => {
  const found = view({ name: "gone", session_key: "default" }, NOW);
  expect(found).toMatchObject({ says: "Not signed in to gone.", about: "gone" });
});

test("who asks", () => {
  expect(needed(login(), "4insight")).toBe("analysis.ipynb needs you to sign in to 4insight");
  expect(needed(login({ notebook: null }), "4insight")).toMatch(/^A kernel needs you/);
  expect(needed(login({ session_key: "b" }), "4insight")).toMatch(/sign in to 4insight \(b\)$/);
});
