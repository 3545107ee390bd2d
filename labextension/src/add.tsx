// The form that adds an account: a provider's first one, or another with its own session key. The
// provider is one that is known by name, or that of the API at an address.

import * as React from "react";

import { DEFAULT_KEY } from "./view";
import type { LoginRequest, Provider } from "./wire";

interface Props {
  providers: readonly Provider[];
  /** The names of those that are built in. */
  presets: readonly string[];
  find: (typed: string) => Promise<Provider | null>;
  add: (request: LoginRequest) => void;
  remove: (provider: Provider) => void;
}

const OWN = ["user", "found"];

export function AddForm({ providers, presets, find, add, remove }: Props): React.JSX.Element {
  const [typed, setTyped] = React.useState("");
  const [key, setKey] = React.useState("");
  const [looked, setLooked] = React.useState({ name: "", typed: "", busy: false });
  const [other, setOther] = React.useState<Provider | null>(null); // found, but in no list
  const wanted = typed.trim();
  const name = looked.typed === wanted ? looked.name : wanted;
  const provider = [...providers, ...(other ? [other] : [])].find(each => each.name === name);

  const look = async (): Promise<void> => {
    setLooked({ name: "", typed: wanted, busy: true });
    const found = await find(wanted);
    setOther(found);
    setLooked({ name: found?.name ?? "", typed: wanted, busy: false });
  };
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (looked.busy) return;
    if (provider) {
      add({ provider: provider.name, session_key: key.trim() || DEFAULT_KEY });
      setKey("");
    } else void look();
  };
  return (
    <form className="jupyter-auth" onSubmit={submit} aria-labelledby="jupyter-auth-add">
      <h3 id="jupyter-auth-add">Add an account</h3>
      <label>
        Name or address
        <input
          value={typed}
          list="jupyter-auth-known"
          placeholder="github, or https://…"
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          maxLength={2048}
          required
          onChange={event => {
            setTyped(event.target.value);
          }}
        />
      </label>
      <datalist id="jupyter-auth-known">
        {providers.map(({ name: value, title }) => (
          <option key={value} value={value} label={title === value ? "" : title} />
        ))}
        {presets.map(value => (
          <option key={value} value={value} />
        ))}
      </datalist>
      <div aria-live="polite" className="jupyter-auth-found">
        {provider && <Card provider={provider} />}
      </div>
      {provider && (
        <label>
          Session key (for a second account)
          <input
            value={key}
            placeholder={DEFAULT_KEY}
            spellCheck={false}
            autoComplete="off"
            maxLength={1024}
            onChange={event => {
              setKey(event.target.value);
            }}
          />
        </label>
      )}
      <button type="submit" className="jupyter-auth-go">
        {provider ? "Sign in" : looked.busy ? "Looking…" : "Continue"}
      </button>
      {provider && OWN.includes(provider.source ?? "") && (
        <button
          type="button"
          onClick={() => {
            remove(provider);
          }}
        >
          Remove {provider.name}
        </button>
      )}
    </form>
  );
}

/** What a sign-in there is for, where it leads, and what it takes. */
function Card({ provider }: { provider: Provider }): React.JSX.Element {
  const facts = {
    API: provider.found_at ?? provider.base_url,
    "Sign-in at": provider.host,
    Scopes: provider.scopes?.join(" ")
  };
  return (
    <>
      <strong>{provider.title}</strong>
      <dl>
        {Object.entries(facts).map(
          ([fact, value]) =>
            value && (
              <div key={fact}>
                <dt>{fact}</dt>
                <dd>{value}</dd>
              </div>
            )
        )}
      </dl>
      <small>{needs(provider)}</small>
    </>
  );
}

/** What is still to be given; the login's page asks for it. */
function needs({ missing = [], placeholders = {} }: Provider): string {
  const open = missing
    .filter(each => each.startsWith("set."))
    .map(each => placeholders[each.slice("set.".length)]?.says ?? each);
  if (open.length > 0) return `The next page asks for: ${open.join(", ")}.`;
  if (missing.length === 0) return "Nothing has to be registered.";
  return "This needs a registration there. The next page says how, and asks for its client ID.";
}
