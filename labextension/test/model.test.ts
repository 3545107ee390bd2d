import { expect, test } from "vitest";

import { lines, notices, places, summary, worst } from "../src/model";
import { view } from "../src/view";
import { account, CAMPUS, consent, limits, login, NOW, state } from "./samples";

const expired = account({ expires_at: NOW - 1, refreshes: false });
const unsaved = account({ warning: "Its tokens cannot be saved." });
const second = account({ session_key: "second" });
const trouble = "idp.example ended this sign-in (invalid_grant).";
const refused = { expires_at: NOW - 1, trouble };

test.each([
  ["", state()],
  ["1 account", state({ accounts: [account()] })],
  ["2 accounts", state({ accounts: [account(), second] })],
  ["1 account · Not saved", state({ accounts: [unsaved] })],
  ["2 accounts · Sign-in needed", state({ accounts: [second, expired] })],
  ["1 account · Sign-in needed", state({ accounts: [account(refused)] })],
  ["1 account", state({ accounts: [account({ trouble })] })],
  ["Sign-in needed", state({ logins: [login()] })],
  ["1 account · Sign-in needed", state({ accounts: [expired], logins: [login()] })],
  ["", state({ logins: [login({ kernel: null, notebook: null })] })],
  ["1 account", state({ reached: false, accounts: [account()] })]
])("the status item says: %s", (said, found) => {
  expect(summary(found, NOW)).toBe(said);
});

test("an account that refreshes is well after its token has expired", () => {
  expect(worst(state({ accounts: [account({ expires_at: NOW - 1 })] }), NOW)).toBe("in");
});

test("what waits comes first, in whole sentences", () => {
  const found = state({ accounts: [account()], logins: [login({ provider: "other" })] });
  const accounts = [account({ ...second, ...refused }), ...found.accounts];
  expect(lines({ ...found, accounts }, NOW)).toEqual([
    "analysis.ipynb needs you to sign in to other",
    `Sign-in needed for Example University as alice. ${trouble} Sign in again to use it`,
    "Signed in to Example University as alice. Stays signed in"
  ]);
});

test("a place holds all that concerns one account, and what waits comes first", () => {
  const found = state({
    accounts: [account(), second],
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
  const [notice, ...others] = notices(state({ logins: [login(), own] }), NOW);
  expect(others).toEqual([]);
  expect(notice).toMatchObject({
    id: "handle",
    says: "analysis.ipynb needs you to sign in to Example University.",
    action: "Sign in",
    tip: "Opens login.example.edu in a new tab."
  });
});

test("a notice for an account that is not renewed, unless a login for it waits already", () => {
  const accounts = [account(refused), account({ ...second, ...refused }), account({ trouble })];
  const says = "Sign-in needed for Example University as alice";
  expect(notices(state({ accounts }), NOW).map(each => each.says)).toEqual([
    `${says}. ${trouble}`,
    `${says} (second). ${trouble}`
  ]);
  const found = notices(state({ accounts, logins: [login()] }), NOW);
  expect(found.map(each => each.action)).toEqual(["Sign in", "Sign in again"]);
});

test("an account of a provider that a notebook defines is named, and marked as such", () => {
  const provider = `campus~${"0f".repeat(16)}`; // as long as the digest that the server makes
  const found = state({ accounts: [account({ provider })], logins: [login({ provider })] });
  const named = "campus (defined in a notebook)";
  expect(lines(found, NOW)).toEqual([
    `analysis.ipynb needs you to sign in to ${named}`,
    `Signed in to ${named} as alice. Stays signed in`
  ]);
  expect(notices(found, NOW)[0]?.says).toBe(`analysis.ipynb needs you to sign in to ${named}.`);
  const [place] = places(found);
  expect(place && view(place, NOW).link).toBe(`Sign in to ${named}`);
  expect(JSON.stringify([lines(found, NOW), place && view(place, NOW)])).not.toContain("~");
});

test("on a server that several people share it is said who will use the account", () => {
  const said = "Everyone who uses this Jupyter server will be able to use this account.";
  const found = state({ logins: [login({ shared: true })] });
  expect(notices(found, NOW)[0]?.tip).toContain(said);
  const [place] = places(found);
  expect(place && view(place, NOW).details).toContainEqual({ text: said, tip: "" });
  const [alone] = places(state({ logins: [login()] }));
  expect(alone && view(alone, NOW).details).not.toContainEqual({ text: said, tip: "" });
});

test("below an account are the notebooks that may use it", () => {
  const found = state({ accounts: [account()], consents: [consent(), consent({ provider: "x" })] });
  expect(places(found).map(each => each.consents)).toEqual([[consent()]]);
});

test("a notebook that asks to use an account is reviewed, and nobody signs in", () => {
  const asks = state({ accounts: [account()], logins: [login({ grant: "consent", host: "" })] });
  const says = "analysis.ipynb wants to use Example University";
  expect(notices(asks, NOW)).toMatchObject([{ says: `${says}.`, action: "Review…", tip: "" }]);
  const [place] = places(asks);
  expect(place && view(place, NOW)).toMatchObject({ link: "Review…", says, details: [] });
});
