"""What a person has written down at home."""

from __future__ import annotations


def configure(config_home, oidc, **more):
    """Write down where that person signs in."""
    fields = {"title": "The IdP", "issuer": oidc.issuer, "client_id": oidc.client_id}
    fields |= {"base_url": f"{oidc.issuer}/api", "scopes": "openid profile offline_access"}
    fields |= {"username_claim": "preferred_username", **more}  # nobody can change theirs there
    file = config_home / "jupyter_auth" / "providers.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'{name} = "{value}"' for name, value in fields.items()]
    file.write_text("\n".join(["[idp]", *lines]))
