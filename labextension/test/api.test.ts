// Over a real socket: a small server that answers as the browser API does.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { ServerConnection } from "@jupyterlab/services";
import { Signal } from "@lumino/signaling";
import { afterEach, beforeEach, expect, test } from "vitest";

import { Accounts } from "../src/accounts";
import { Api, CHANGED, listen } from "../src/api";
import { places } from "../src/model";
import { view } from "../src/view";
import { account, CAMPUS, consent, login } from "./samples";

let server: Server;
let api: Api;
let asked: string[];
let answers: Record<string, [number, unknown]>;
let bodies: string[];

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

beforeEach(async () => {
  asked = [];
  bodies = [];
  answers = {
    "GET providers?unregistered=1": [200, { providers: [CAMPUS], default: null }],
    "GET accounts": [200, { accounts: [account()] }],
    "GET logins": [200, { logins: [] }],
    "GET usage": [200, { limits: [] }],
    "POST logins": [201, login()]
  };
  server = createServer((request, response) => {
    const path = request.url?.replace("/base/jupyter-auth/api/v1/", "").replace(/&?\d{13}$/, "");
    const route = `${request.method ?? ""} ${path?.replace(/\?$/, "") ?? ""}`;
    asked.push(route);
    void textOf(request).then(body => {
      bodies.push(body);
      const [status, data] = answers[route] ?? [404, null];
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(typeof data === "string" ? data : JSON.stringify(data));
    });
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`;
  api = new Api(ServerConnection.makeSettings({ baseUrl, token: "" }));
});

afterEach(() => {
  server.close();
});

test("a provider defined in a notebook is fetched if it has an account or a login", async () => {
  const name = `campus~${"0f".repeat(16)}`;
  const gone = `gone~${"0f".repeat(16)}`; // a restarted server does not know it
  const logins = [login({ provider: name }), login({ provider: gone })];
  answers["GET logins"] = [200, { logins }];
  answers[`GET providers/${name}`] = [200, { ...CAMPUS, name }];
  const found = await api.state();
  expect(found.providers).toEqual([CAMPUS]);
  expect(found.made).toEqual([{ ...CAMPUS, name }]);
  const [one, two] = places(found).map(place => view(place, 0));
  expect(one?.link).toBe("Sign in to Example University (defined in a notebook)");
  expect(one?.says).toBe("Opens login.example.edu in a new tab.");
  expect(two?.link).toBe("Sign in to gone (defined in a notebook)");
});

test("the state is all that there is", async () => {
  const found = await api.state();
  expect(found).toMatchObject({ loaded: true, reached: true, logins: [] });
});

test("no route that gives a token is ever asked", async () => {
  const accounts = new Accounts(api, () => undefined);
  await accounts.reload();
  await accounts.signIn({ provider: "campus" });
  await accounts.reload();
  expect(asked.filter(route => route.includes("token"))).toEqual([]);
});

test("what the server says of a refusal is what the person reads", async () => {
  answers["POST logins"] = [404, { code: "provider_not_found", message: "No.", hint: "Look." }];
  await expect(api.begin({ provider: "x" })).rejects.toThrow("No. Look.");
  answers["POST logins"] = [502, "<html>"];
  await expect(api.begin({ provider: "x" })).rejects.toThrow(
    "The Jupyter server returned HTTP 502."
  );
});

test("names travel escaped", async () => {
  answers["DELETE accounts?provider=a&session_key=%26b%3D%2F..%2F"] = [200, { note: "done" }];
  expect(await api.signOut("a", "&b=/../")).toEqual({ note: "done" });
  answers["DELETE logins/..%2Fx"] = [200, login()];
  expect(await api.cancel("../x")).toEqual(login());
});

test("a name is looked up, the API at an address is asked, and one's own are removed", async () => {
  answers["GET providers/campus"] = [200, CAMPUS];
  expect(await api.find("campus")).toEqual(CAMPUS);
  answers["POST discoveries"] = [201, CAMPUS];
  expect(await api.find("https://mcp.acme.example/mcp")).toEqual(CAMPUS);
  expect(bodies.at(-1)).toBe('{"address":"https://mcp.acme.example/mcp"}');
  answers["DELETE providers/a%2Fb"] = [200, { note: "" }];
  expect(await api.remove("a/b")).toEqual({ note: "" });
});

test("a login request is sent whole, and the login's own page is opened", async () => {
  const opened: string[] = [];
  const accounts = new Accounts(api, href => opened.push(href));
  await accounts.signIn({ provider: "campus", session_key: "second", force: true });
  expect(bodies[0]).toBe('{"provider":"campus","session_key":"second","force":true}');
  await accounts.edit("campus");
  expect(bodies).toContain('{"provider":"campus","force":true}');
  expect(opened).toEqual([
    "/base/jupyter-auth/login/handle",
    "/base/jupyter-auth/login/handle?edit"
  ]);
});

test("a flood of hints is one round under way and one more", async () => {
  const accounts = new Accounts(api, () => undefined);
  await Promise.all(Array.from({ length: 50 }, () => accounts.reload()));
  expect(asked.filter(route => route === "GET accounts")).toHaveLength(2);
});

test("what is known stays when the server is away, and says that it is", async () => {
  const accounts = new Accounts(api, () => undefined);
  await accounts.reload();
  answers["GET logins"] = [503, null];
  await accounts.reload();
  expect(accounts.state).toMatchObject({ reached: false, accounts: [account()] });
  answers["GET logins"] = [200, { logins: [login()] }];
  await accounts.reload();
  expect(accounts.state).toMatchObject({ reached: true, logins: [login()] });
});

test("only our own hints are heard", () => {
  const manager = {};
  const stream = new Signal<object, { schema_id: string }>(manager);
  let heard = 0;
  listen({ stream } as never, () => (heard += 1));
  stream.emit({ schema_id: "https://events.jupyter.org/jupyter_server/kernel_actions/v1" });
  expect(heard).toBe(0);
  stream.emit({ schema_id: CHANGED });
  expect(heard).toBe(1);
});

test("consents are listed and revoked; an older service has none", async () => {
  const accounts = new Accounts(api, () => undefined);
  await accounts.reload();
  expect(accounts.state.consents).toEqual([]);
  answers["GET consents"] = [200, { consents: [consent()] }];
  await accounts.reload();
  expect(accounts.state.consents).toEqual([consent()]);
  const query = "provider=campus&session_key=default&notebook=work%2Fanalysis.ipynb";
  answers[`DELETE consents?${query}`] = [200, { removed: true }];
  expect(await accounts.revoke(consent())).toBe("");
  expect(asked).toContain(`DELETE consents?${query}`);
});
