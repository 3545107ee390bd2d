import { expect, test } from "vitest";

import * as words from "../src/words";
import { account, login, NOW } from "./samples";

test.each([
  [{ expires_at: NOW + 3600 }, "Expires in 60 minutes, refreshes by itself"],
  [{ expires_at: NOW + 30, refreshes: false }, "Expires in a minute, then sign in again"],
  [{ expires_at: NOW + 10 * 3600 }, "Expires in 10 hours, refreshes by itself"],
  [{ expires_at: NOW + 365 * 86400, refreshes: false }, "Expires in 365 days, then sign in again"],
  [{ expires_at: NOW - 1 }, "Refreshes by itself when next used"],
  [{ expires_at: NOW - 1, refreshes: false }, "Expired: sign in again"],
  [{ expires_at: null }, "Until you sign out"]
])("how long %o lasts", (changes, said) => {
  expect(words.howLong(account(changes), NOW)).toBe(said);
});

test.each([
  [undefined, ""],
  [null, ""],
  [{ limit: 5000 }, ""],
  [{ remaining: 0 }, "0 calls left"],
  [{ limit: 5000, remaining: 4321 }, "4321 of 5000 calls left"],
  [{ limit: 5, remaining: 4, resets_at: NOW + 600 }, "4 of 5 calls left, renewed in 10 minutes"],
  [{ limit: 5, remaining: 4, resets_at: NOW - 600 }, "4 of 5 calls left"]
])("a quota of %o", (quota, said) => {
  expect(words.quota(quota, NOW)).toBe(said);
});

test("the details name only what there is to tell", () => {
  expect(words.details(account({ scope: "" }), NOW)).toEqual([
    "Expires in 60 minutes, refreshes by itself"
  ]);
  const rich = account({ warning: "Not saved.", session_key: "b", notebooks: ["a.ipynb"] });
  expect(words.details({ ...rich, quota: { remaining: 7 } }, NOW)).toEqual([
    "Not saved.",
    "Expires in 60 minutes, refreshes by itself",
    "7 calls left",
    "Scopes: openid",
    "Session key: b",
    "Used by a.ipynb"
  ]);
});

test("who asks", () => {
  const needed = (changes: object): string => words.needed(login(changes), "4insight");
  expect(needed({})).toBe("analysis.ipynb needs you to sign in to 4insight");
  expect(needed({ notebook: null })).toBe("A kernel needs you to sign in to 4insight");
  expect(needed({ notebook: null, kernel: null })).toBe("Your sign-in to 4insight is under way");
});

test("why a login came to nothing", () => {
  const error = { code: "login_denied", message: "It said no.", hint: "Ask." };
  expect(words.ended(login({ status: "denied", error }))).toBe("It said no. Ask.");
  expect(words.ended(login({ status: "expired" }))).toBe("Nobody signed in in time.");
  expect(words.ended(login({ status: "failed" }))).toBe("The sign-in failed. Nothing was stored.");
});
