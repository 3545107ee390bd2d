// The panel's section that adds an account: a provider's first one, or another with its own label.
// The provider is one that is known by name, or that of the API at an address.

import { Dialog, showDialog } from "@jupyterlab/apputils";
import { ReactWidget } from "@jupyterlab/ui-components";
import * as React from "react";

import { useAccounts } from "./hooks";
import { choice } from "./model";
import type { Said } from "./said";
import type { IAccounts } from "./tokens";
import { DEFAULT_KEY, trans } from "./view";
import type { Provider } from "./wire";

const OWN = ["user", "found"];
const EDITABLE = [...OWN, "preset"];

interface Props {
  accounts: IAccounts;
  said: Said;
}

/** Remove a provider of the user's own, if they confirm it; returns a note to show. */
async function removed(accounts: IAccounts, { name, title }: Provider): Promise<string> {
  const { button } = await showDialog({
    title: trans.__("Remove %1?", name),
    body: trans.__(
      "You will be signed out of %1, and its entry in your own file is deleted.",
      title
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__("Cancel") }),
      Dialog.warnButton({ label: trans.__("Remove") })
    ]
  });
  if (!button.accept) return "";
  return [trans.__("Removed %1.", name), await accounts.remove(name)].join(" ").trim();
}

function AddForm({ accounts, said }: Props): React.JSX.Element | null {
  const { loaded, providers } = useAccounts(accounts);
  const [typed, setTyped] = React.useState("");
  const [key, setKey] = React.useState("");
  const [looked, setLooked] = React.useState({ name: "", typed: "", busy: false });
  const [other, setOther] = React.useState<Provider | null>(null); // found, but in no list
  const wanted = typed.trim();
  const name = looked.typed === wanted ? looked.name : wanted;
  const provider = [...providers, ...(other ? [other] : [])].find(each => each.name === name);

  const look = async (): Promise<void> => {
    said.say("");
    setLooked({ name: "", typed: wanted, busy: true });
    const found = await accounts.find(wanted).catch((error: unknown) => {
      said.say((error as Error).message);
      return null;
    });
    setOther(found);
    setLooked({ name: found?.name ?? "", typed: wanted, busy: false });
  };
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (looked.busy) return;
    if (provider) {
      const session_key = key.trim() || DEFAULT_KEY;
      void said.outcome(accounts.signIn({ provider: provider.name, session_key }).then(() => ""));
      setKey("");
    } else void look();
  };
  if (!loaded) return null;
  return (
    <form className="jupyter-auth" onSubmit={submit} aria-label={trans.__("Add an account")}>
      <label>
        {trans.__("Name or address")}
        <input
          value={typed}
          list="jupyter-auth-known"
          placeholder={trans.__("github, or https://…")}
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
        {providers.map(each => (
          <option key={each.name} value={each.name} label={choice(each)} />
        ))}
      </datalist>
      <div aria-live="polite" className="jupyter-auth-found">
        {provider && <Card provider={provider} />}
      </div>
      {provider && (
        <label>
          {trans.__("Label (only for a second account)")}
          <input
            value={key}
            spellCheck={false}
            autoComplete="off"
            maxLength={1024}
            onChange={event => {
              setKey(event.target.value);
            }}
          />
        </label>
      )}
      <button type="submit" className={provider ? "jupyter-auth-go" : ""}>
        {provider ? trans.__("Sign in") : looked.busy ? trans.__("Looking…") : trans.__("Continue")}
      </button>
      {provider && EDITABLE.includes(provider.source ?? "") && !provider.missing?.length && (
        <button
          type="button"
          onClick={() => void said.outcome(accounts.edit(provider.name).then(() => ""))}
        >
          {trans.__("Edit registration")}
        </button>
      )}
      {provider && OWN.includes(provider.source ?? "") && (
        <button type="button" onClick={() => void said.outcome(removed(accounts, provider))}>
          {trans.__("Remove %1", provider.name)}
        </button>
      )}
    </form>
  );
}

/** What a sign-in there is for, where it leads, and what it takes. */
function Card({ provider }: { provider: Provider }): React.JSX.Element {
  const facts = [
    [trans.__("API"), provider.found_at ?? provider.base_url],
    [trans.__("Sign-in at"), provider.host],
    [trans.__("Scopes"), provider.scopes?.join(" ")]
  ] as const;
  return (
    <>
      <strong>{provider.title}</strong>
      <dl>
        {facts.map(
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
  if (open.length > 0) return trans.__("The next page asks for: %1.", open.join(", "));
  if (missing.length === 0) return trans.__("Nothing has to be registered.");
  return trans.__(
    "This needs a registration there. The next page says how, and asks for its client ID."
  );
}

export class AddSection extends ReactWidget {
  constructor(private readonly props: Props) {
    super();
    this.title.label = trans.__("Add an account");
    this.addClass("jupyter-auth-section");
  }

  protected override render(): React.JSX.Element {
    return <AddForm {...this.props} />;
  }
}
