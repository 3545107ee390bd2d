import { expect, test } from "vitest";

import { arrival } from "../src/arrive";

/** Cookies as a browser keeps them, or none at all. */
function browser(keeps = true): { cookie: string } {
  const kept: string[] = [];
  return {
    get cookie(): string {
      return kept.join("; ");
    },
    set cookie(text: string) {
      if (keeps) kept.push(text.split(";")[0] ?? "");
    }
  };
}

const BOTH = { acme: "/base/jupyter-auth/arrive/acme", "b.b": "/base/jupyter-auth/arrive/b.b" };
const HERE = "http://127.0.0.1:8888/base/lab/tree/a%20b.ipynb?reset&token=secret";
const go = (page: { cookie: string }, href = HERE): string => arrival(BOTH, page, href, "/base/");

test("each silent provider once in a browser session", () => {
  const page = browser();
  const to = new URL(go(page), HERE);
  expect(to.pathname).toBe("/base/jupyter-auth/arrive/acme");
  expect(to.searchParams.get("next")).toBe("/base/lab/tree/a%20b.ipynb?reset=");
  expect(go(page)).toContain("arrive/b.b?next=");
  expect(go(page)).toBe("");
});

test("another server of this host is another one", () => {
  const page = browser();
  go(page);
  expect(go(page, HERE.replace("8888", "8889"))).toContain("arrive/acme");
});

test("a browser that keeps no cookie stays", () => {
  expect(go(browser(false))).toBe("");
});

test("a server without silent providers", () => {
  expect(arrival({}, browser(), HERE, "/base/")).toBe("");
});
