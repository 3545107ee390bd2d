// What an output shows of a sign-in: pure functions of plain values.

import { placeOf, type State } from "./model";
import { DEFAULT_KEY, destination, type Place, type Seen, trans, view } from "./view";

/** What a kernel said of a sign-in, or what a notebook from anyone claims that one said. */
export interface Statement {
  provider: string;
  session_key: string;
  title: string;
  /** A login's status, or "signed_out". */
  state: string;
  says: string;
  username: string | null;
  /** Seconds since 1970. */
  at: number;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The payload of an output; null if it names no provider. */
export function read(data: unknown): Statement | null {
  if (typeof data !== "object" || data === null) return null;
  const given = data as Record<string, unknown>;
  const provider = text(given.provider);
  if (!provider) return null;
  return {
    provider,
    session_key: text(given.session_key) || DEFAULT_KEY,
    title: text(given.title) || provider,
    state: text(given.state),
    says: text(given.says),
    username: text(given.username) || null,
    at: Number(given.at)
  };
}

/** The model of a widget in an output, "" if none: its view may run any code, so trust comes first. */
export function widgetOf(trusted: boolean, widget: unknown): string {
  return trusted ? text((widget as { model_id?: unknown } | undefined)?.model_id) : "";
}

/** What the kernel said, and when; "" if the present state says it all. */
function dated({ state, says, at }: Statement): string {
  if (!says || state === "pending" || state === "signed_out") return "";
  const when = new Date(at * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  return `${when}: ${says}`;
}

/** What else the kernel said that began with these words. */
function rest({ says }: Statement, begin: string): string {
  return says.startsWith(begin) ? says.slice(begin.length).trim() : "";
}

function lines(...texts: string[]): Seen["details"] {
  return texts.filter(Boolean).map(each => ({ text: each, tip: "" }));
}

/** What was said then, with nothing to click. */
function asSaid({ title, state, says }: Statement, detail: string): Seen {
  const asked = trans.__("This notebook asked to sign in to %1.", title);
  const sentence = state === "pending" ? asked : says;
  return {
    ...{ look: "out", title, says: sentence, brief: sentence, scopes: [], link: "" },
    ...{ actions: [], about: "", details: lines(detail) }
  };
}

/**
 * What to show in an output, and of which account: how it is now, and beside it what was said then,
 * unless that is the same. A widget's has its buttons; a cell that asked once has none afterwards.
 */
export function inOutput(
  said: Statement,
  ofWidget: boolean,
  state: State,
  now: number
): { place: Place; seen: Seen } {
  const { provider: name, session_key } = said;
  const place = placeOf(state, name, session_key);
  if (!place.provider) {
    const unknown = state.loaded ? trans.__("This Jupyter server has no such provider.") : "";
    return { place, seen: asSaid(said, unknown) };
  }
  const seen = view(place, now);
  if (seen.look === "in") {
    const same = said.state === "complete" && said.username === place.account?.username;
    const then = lines(same ? rest(said, `${seen.says}.`) : dated(said));
    if (ofWidget) return { place, seen: { ...seen, details: [...seen.details, ...then] } };
    return { place, seen: { ...seen, details: then, scopes: [], actions: [] } };
  }
  const then = place.login && said.state === "pending" ? said.says : dated(said);
  const where = seen.look === "out" ? destination(place.provider) : "";
  return { place, seen: { ...seen, details: [...seen.details, ...lines(where, then)] } };
}
