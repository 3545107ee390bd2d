// The German catalog has every text that JupyterLab shows, and no other.

import { readdirSync, readFileSync } from "node:fs";

import { nullTranslator, type TranslationBundle } from "@jupyterlab/translation";
import { expect, test } from "vitest";

import { speak, trans, view } from "../src/view";
import { account, CAMPUS, NOW } from "./samples";

const CATALOG = "../jupyter_auth/locale/de_DE/LC_MESSAGES/jupyter_auth_session.json";
const SOURCES = [
  ...readdirSync("src").map(name => `src/${name}`),
  "../jupyter_auth/kernel/prompt/account_view.js"
];
/** A text is one string literal, or two: for one and for several. */
const CALL = /\btrans\s*\.(__|_n)\(\s*("(?:[^"\\]|\\.)*")(?:,\s*("(?:[^"\\]|\\.)*"))?/g;

type Catalog = Record<string, string[]>;
const { "": head, ...catalog } = JSON.parse(readFileSync(CATALOG, "utf8")) as Catalog;

function texts(): Map<string, number> {
  const found = new Map<string, number>();
  for (const source of SOURCES) {
    const code = readFileSync(source, "utf8");
    const calls = [...code.matchAll(CALL)];
    expect(calls.length, source).toBe(code.match(/\btrans\s*\.(__|_n)\(/g)?.length ?? 0);
    for (const [, call, one] of calls) {
      found.set(JSON.parse(one ?? "") as string, call === "_n" ? 2 : 1);
    }
  }
  return found;
}

test("each text is translated once for each of its forms, with the same values", () => {
  expect(head).toMatchObject({ domain: "jupyter_auth_session", language: "de-DE" });
  const said = texts();
  expect(Object.keys(catalog).sort()).toEqual([...said.keys()].sort());
  const values = (text: string): string[] => (text.match(/%\d/g) ?? []).sort();
  for (const [text, forms] of said) {
    expect(catalog[text], text).toHaveLength(forms);
    for (const form of catalog[text] ?? []) {
      expect(form).not.toBe("");
      if (forms === 1) expect(values(form), text).toEqual(values(text));
    }
  }
});

test("a bundle of JupyterLab is spoken", () => {
  const bundle: TranslationBundle = nullTranslator.load("jupyter_auth_session");
  const before = { ...trans };
  speak({ ...bundle, __: text => `<${text}>`, _n: (_, many) => `<${many}>` });
  const place = { name: "campus", session_key: "default", provider: CAMPUS, account: account() };
  expect(view(place, NOW).details[0]?.text).toBe("<Stays signed in>");
  Object.assign(trans, before);
});
