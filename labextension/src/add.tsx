// The form that adds an account: a provider's first one, or another with its own session key.

import * as React from "react";

import { DEFAULT_KEY } from "./view";
import type { LoginRequest, Provider } from "./wire";

interface Props {
  providers: readonly Provider[];
  add: (request: LoginRequest) => void;
}

export function AddForm({ providers, add }: Props): React.JSX.Element | null {
  const [chosen, setChosen] = React.useState("");
  const [key, setKey] = React.useState("");
  const provider = providers.find(each => each.name === chosen) ?? providers[0];
  if (!provider) {
    return (
      <p>
        No provider is configured. Run <code>%auth add</code> in a notebook to add one.
      </p>
    );
  }
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    add({ provider: provider.name, session_key: key.trim() || DEFAULT_KEY });
    setKey("");
  };
  return (
    <form className="jupyter-auth" onSubmit={submit} aria-labelledby="jupyter-auth-add">
      <h3 id="jupyter-auth-add">Add an account</h3>
      <label>
        Provider
        <select
          value={provider.name}
          onChange={event => {
            setChosen(event.target.value);
          }}
        >
          {providers.map(({ name, title }) => (
            <option key={name} value={name}>
              {title === name ? title : `${title} (${name})`}
            </option>
          ))}
        </select>
      </label>
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
      <button type="submit" className="jupyter-auth-go">
        Sign in
      </button>
    </form>
  );
}
