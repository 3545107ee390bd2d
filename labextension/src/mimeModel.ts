// What an output says of a sign-in: pure functions of plain values.

import { placeOf, type State } from "./model";
import { DEFAULT_KEY, destination, type Place, type Seen, view } from "./view";

/** What a kernel said of a sign-in at a time, or what a notebook from anyone claims that one said. */
export interface Said {
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
export function read(data: unknown): Said | null {
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
export function widgetOf(trusted: boolean, view: unknown): string {
  return trusted ? text((view as { model_id?: unknown } | undefined)?.model_id) : "";
}

/** What the kernel said, with the time that it did; "" if the present state says it all. */
function record({ state, says, at }: Said): string {
  if (!says || state === "pending" || state === "signed_out") return "";
  const when = new Date(at * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  return `${when}: ${says}`;
}

/** Where this server knows no such provider: what was said, and nothing to click. */
function foreign({ title, state, says }: Said): Partial<Seen> & Pick<Seen, "says"> {
  const asked = `This notebook asked to sign in to ${title}.`;
  const unknown = "This Jupyter server has no such provider.";
  return { says: state === "pending" ? asked : says, details: [unknown] };
}

/**
 * What to show in an output, and of which account: how it is now, and beside it what was said then,
 * unless that is the same. A widget's has its buttons; a cell that asked once has none afterwards.
 */
export function inOutput(
  said: Said,
  ofWidget: boolean,
  state: State,
  now: number
): { place: Place; seen: Seen } {
  const { provider: name, session_key } = said;
  const place = placeOf(state, name, session_key);
  const none: Seen = { look: "out", says: "", details: [], link: "", actions: [], about: "" };
  if (!place.provider && !state.presets.includes(name)) {
    return { place, seen: { ...none, ...foreign(said) } };
  }
  const seen = view(place, now);
  if (seen.look === "in") {
    const same = said.state === "complete" && said.username === place.account?.username;
    const then = same ? rest(said.says, `${seen.says}.`) : record(said);
    const { details, actions } = ofWidget ? seen : { details: [], actions: [] };
    return { place, seen: { ...seen, details: [...details, then].filter(Boolean), actions } };
  }
  const then = place.login && said.state === "pending" ? said.says : record(said);
  const where = seen.look === "out" && place.provider ? destination(place.provider) : "";
  return { place, seen: { ...seen, details: [...seen.details, where, then].filter(Boolean) } };
}

/** What else a kernel said that began with these words. */
function rest(says: string, begin: string): string {
  return says.startsWith(begin) ? says.slice(begin.length).trim() : "";
}
