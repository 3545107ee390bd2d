import { expect, test } from "vitest";

import { inOutput, read, type Statement, widgetOf } from "../src/mimeModel";
import { account, CAMPUS, login, NOW, state } from "./samples";

const IN = "Signed in to Example University as alice";

function said(changes: Partial<Statement> = {}): Statement {
  return {
    ...{ provider: "campus", session_key: "default", title: "Example University" },
    ...{ state: "complete", says: `${IN}.`, username: "alice", at: NOW },
    ...changes
  };
}

function details(found: ReturnType<typeof inOutput>): string[] {
  return found.seen.details.map(each => each.text);
}

function labels(found: ReturnType<typeof inOutput>): string[] {
  return found.seen.actions.map(action => action.label);
}

test("a payload is read as text, whatever it is made of", () => {
  expect(read({ version: 1, ...said(), host: "login.example.edu" })).toEqual(said());
  expect(read({ ...said(), session_key: 3, says: ["<b>"], username: {} })).toEqual(
    said({ says: "", username: null })
  );
  for (const odd of [null, "campus", 3, [], {}, { provider: 3 }]) expect(read(odd)).toBeNull();
});

test("who signed in then, and is signed in now: one line, and what was said besides", () => {
  const now = state({ accounts: [account()] });
  const found = inOutput(said(), false, now, NOW);
  expect(found.seen).toMatchObject({ look: "in", says: IN, details: [], actions: [] });
  const shared = said({ says: `${IN}. Everyone can use it.` });
  expect(details(inOutput(shared, false, now, NOW))).toEqual(["Everyone can use it."]);
  const asked = said({ state: "pending", says: "This cell continues." });
  expect(inOutput(asked, false, now, NOW).seen).toMatchObject({
    look: "in",
    says: IN,
    details: []
  });
});

test("a widget's output has its buttons", () => {
  const found = inOutput(said(), true, state({ accounts: [account()] }), NOW);
  expect(labels(found)).toEqual(["Switch account", "Sign out"]);
  expect(details(found)[0]).toContain("Stays signed in");
});

test("someone else now: that, and small who it was", () => {
  const found = inOutput(said(), false, state({ accounts: [account({ username: "bob" })] }), NOW);
  expect(found.seen.says).toBe("Signed in to Example University as bob");
  expect(details(found)).toEqual([expect.stringMatching(/2027.*: Signed in to .* as alice\.$/)]);
});

test("signed out since: a button, and where it leads by the server's word", () => {
  const found = inOutput(said({ title: "My bank" }), false, state(), NOW);
  expect(found.seen.says).toBe("Not signed in to Example University.");
  expect(details(found)[0]).toContain("login.example.edu");
  expect(details(found)[1]).toContain(`: ${IN}.`);
  expect(labels(found)).toEqual(["Sign in"]);
  expect(found.place).toMatchObject({ name: "campus", provider: CAMPUS });
});

test("while it is pending: the server's link, and that the cell goes on", () => {
  const asked = said({ state: "pending", says: "This cell continues.", username: null });
  const found = inOutput(asked, false, state({ logins: [login()] }), NOW);
  expect(found.seen.link).toBe("Sign in to Example University");
  expect(details(found).at(-1)).toBe("This cell continues.");
  expect(found.place.login).toEqual(login());
  const later = inOutput(asked, false, state(), NOW);
  expect(later.seen.link).toBe("");
  expect(details(later).join()).not.toContain("This cell");
  expect(labels(later)).toEqual(["Sign in"]);
});

test("a provider that the server does not know: what was said, and nothing to click", () => {
  const elsewhere = said({ provider: "https://evil.example/api" });
  const found = inOutput(elsewhere, false, state(), NOW);
  expect(found.seen).toMatchObject({ look: "out", says: `${IN}.`, link: "", actions: [] });
  const asked = inOutput({ ...elsewhere, state: "pending", says: "x" }, false, state(), NOW);
  expect(asked.seen.says).toBe("This notebook asked to sign in to Example University.");
});

test("a widget is shown in a trusted notebook alone", () => {
  expect(widgetOf(true, { model_id: "abc" })).toBe("abc");
  expect(widgetOf(false, { model_id: "abc" })).toBe("");
  for (const odd of [undefined, null, {}, { model_id: 3 }]) expect(widgetOf(true, odd)).toBe("");
});
