import { expect, test } from "vitest";

import { lines, notices, places, summary, worst } from "../src/model";
import { view } from "../src/view";
import { account, CAMPUS, limits, login, NOW, state } from "./samples";

const expired = account({ expires_at: NOW - 1, refreshes: false });
const unsaved = account({ warning: "Its tokens cannot be saved." });
const second = account({ session_key: "second" });

test.each([
  ["No accounts", state()],
  ["1 account", state({ accounts: [account()] })],
  ["2 accounts", state({ accounts: [account(), second] })],
  ["1 account · Not saved", state({ accounts: [unsaved] })],
  ["2 accounts · Sign in again", state({ accounts: [second, expired] })],
  ["Sign in again", state({ ended: [account()] })],
  ["Sign-in needed", state({ logins: [login()] })],
  ["1 account · Sign-in needed", state({ accounts: [expired], logins: [login()] })],
  ["No accounts", state({ logins: [login({ kernel: null, notebook: null })] })],
  ["1 account · Server not responding", state({ reached: false, accounts: [account()] })]
])("%s", (said, found) => {
  expect(summary(found, NOW)).toBe(said);
});

test("an account that refreshes is well after its token has expired", () => {
  expect(worst(state({ accounts: [account({ expires_at: NOW - 1 })] }), NOW)).toBe("in");
});

test("what waits comes first, in whole sentences", () => {
  const found = state({ accounts: [account()], logins: [login({ provider: "other" })] });
  expect(lines({ ...found, ended: [second] }, NOW)).toEqual([
    "analysis.ipynb needs you to sign in to other",
    "Example University no longer accepts alice's sign-in",
    "Signed in to Example University as alice. Stays signed in · access token renewed within 60 minutes"
  ]);
});

test("a place holds all that concerns one account, and what waits comes first", () => {
  const found = state({
    accounts: [account(), second],
    ended: [account({ provider: "lost" })],
    logins: [login({ session_key: "second" })],
    limits: [limits(), limits({ client_id: "a-service" }), limits({ session_key: "nobody" })]
  });
  expect(places(found)).toEqual([
    {
      name: "campus",
      session_key: "second",
      provider: CAMPUS,
      login: found.logins[0],
      account: second
    },
    { name: "lost", session_key: "default", provider: undefined, ended: found.ended[0] },
    {
      name: "campus",
      session_key: "default",
      provider: CAMPUS,
      account: account(),
      limits: limits()
    }
  ]);
});

test("a notice for each login that a kernel waits for, and none for one's own", () => {
  const own = login({ id: "own", kernel: null, notebook: null });
  const [notice, ...others] = notices(state({ logins: [login(), own] }));
  expect(others).toEqual([]);
  expect(notice).toMatchObject({
    id: "handle",
    says:
      "analysis.ipynb needs you to sign in to Example University." +
      " You will sign in at login.example.edu.",
    action: "Sign in to Example University"
  });
});

test("a notice for an account that ended, unless a login for it waits already", () => {
  const ended = [account(), second];
  expect(notices(state({ ended })).map(each => each.says)).toEqual([
    "Example University no longer accepts alice's sign-in",
    "Example University no longer accepts alice's sign-in (second)"
  ]);
  const found = notices(state({ ended, logins: [login()] }));
  expect(found.map(each => each.action)).toEqual([
    "Sign in to Example University",
    "Sign in again"
  ]);
});

test("an account of a provider that a notebook defines is named, and marked as such", () => {
  const provider = `campus~${"0f".repeat(16)}`; // as long as the digest that the server makes
  const found = state({ accounts: [account({ provider })], logins: [login({ provider })] });
  const named = "campus (defined in a notebook)";
  expect(lines(found, NOW)).toEqual([
    `analysis.ipynb needs you to sign in to ${named}`,
    `Signed in to ${named} as alice. Stays signed in · access token renewed within 60 minutes`
  ]);
  expect(notices(found).map(each => each.action)).toEqual([`Sign in to ${named}`]);
  const [place] = places(found);
  expect(place && view(place, NOW).link).toBe(`Sign in to ${named}`);
  expect(JSON.stringify([lines(found, NOW), place && view(place, NOW)])).not.toContain("~");
});

test("on a server that several people share it is said who will use the account", () => {
  const said = "Everyone who uses this Jupyter server will be able to use this account.";
  const found = state({ logins: [login({ shared: true })] });
  expect(notices(found)[0]?.says).toContain(said);
  const [place] = places(found);
  expect(place && view(place, NOW).details).toContain(said);
  const [alone] = places(state({ logins: [login()] }));
  expect(alone && view(alone, NOW).details).not.toContain(said);
});
