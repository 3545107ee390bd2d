"""The dialect of each preset: what its provider's documents and SDKs say that it demands."""

from __future__ import annotations

import time
from typing import Any

from providers.presets.dialects import ANY_PORT, METADATA, Dialect
from providers.rogue import ENDPOINTS

Json = dict[str, Any]
HERE = {"base_url": "{url}/"}  # for those that leave it to people which API they call
OIDC = {"grant_types_supported": ["authorization_code", "refresh_token"]}


def at(authorize: str, token: str, **others: str) -> dict[str, str]:
    """Endpoints at these paths, without metadata."""
    return {authorize: "authorize", token: "token"} | {path: name for name, path in others.items()}


def only(params: Json, *names: str, **others: Any) -> Json:
    """These of the honest answer's parameters, and others."""
    return {name: params[name] for name in names if name in params} | others


def slack(params: Json, refreshing: bool) -> Json:  # noqa: FBT001 (an answer)
    token = only(params, "access_token", "refresh_token", "expires_in", token_type="user")
    if refreshing:
        return {"ok": True, "team": {"id": "T1"}} | token
    user = {"id": "U123", "scope": params["scope"].replace(" ", ",")} | token
    return {"ok": True, "app_id": "A1", "team": {"id": "T1"}, "authed_user": user}


def strava(params: Json, refreshing: bool) -> Json:  # noqa: FBT001 (an answer)
    ends = time.time() + 21600
    said = only(params, "access_token", "refresh_token", "token_type")
    athlete = {} if refreshing else {"athlete": {"id": 227615, "username": None}}
    return said | {"expires_at": int(ends), "expires_in": 21600} | athlete


def notion(params: Json, refreshing: bool) -> Json:  # noqa: FBT001, ARG001 (an answer)
    person = {"object": "user", "id": "e1", "person": {"email": "rosa@acme.example"}}
    owner = {"type": "user", "user": person}
    said = only(params, "access_token", "refresh_token", token_type="bearer")
    return said | {"bot_id": "b1", "workspace_id": "w1", "owner": owner}


def unscoped(**more: Any) -> Any:
    """An answer without scopes, with more."""
    return lambda params, _: {k: v for k, v in params.items() if k != "scope"} | more


DIALECTS = {
    "gitlab": Dialect(
        moved=("https://{host}",),
        metadata={"device_authorization_endpoint": None},
        paths={**ENDPOINTS, "/oauth/authorize_device": "device"},
        me={"/userinfo": {"sub": "u-2001", "nickname": "rosa"}},
        device={},
        kills=True,
        at="/api/v4/thing",
    ),
    "huggingface": Dialect(
        moved=("https://huggingface.co", "https://router.huggingface.co"),
        metadata={"client_id_metadata_document_supported": True},
        client_by="document",
        redirect=r"http://(localhost|127\.0\.0\.1)(:\d+)?/.*",
        device={},
        at="/api/thing",
    ),
    "databricks": Dialect(
        moved=("https://{host}",),
        paths={
            "/oidc/.well-known/oauth-authorization-server": "discovery",
            **{path: name for path, name in ENDPOINTS.items() if name != "discovery"},
        },
        issuer="/oidc",
        metadata={"jwks_uri": None, "userinfo_endpoint": None, **OIDC},
        redirect="http://localhost:8020",
        me={"/api/2.0/preview/scim/v2/Me": {"userName": "rosa@acme.example"}},
        username="rosa@acme.example",
        at="/api/thing",
        needs=(
            ("redirect_uri", "http://localhost:8021"),
            ("metadata_url", "{url}/.well-known/oauth-authorization-server"),
        ),
    ),
    "snowflake": Dialect(
        moved=("https://{account}.snowflakecomputing.com",),
        paths=at("/oauth/authorize", "/oauth/token-request"),
        client="basic",
        redirect=ANY_PORT,
        asked={"scope": "refresh_token"},
        headers={"x-snowflake-authorization-token-type": "OAUTH"},
        answer=lambda params, _: params | {"username": "ROSA", "idpInitiated": False},
        rotates=False,
        username="ROSA",
        at="/api/v2/thing",
        needs=(
            ("client_auth", "post"),
            ("scopes", ["offline_access"]),
            ("redirect_uri", "http://localhost/"),
            ("api_headers", {}),
        ),
    ),
    "keycloak": Dialect(
        moved=("https://{host}/realms/{realm}",),
        paths={f"/realms/acme{path}": name for path, name in METADATA.items()}
        | {path: name for path, name in ENDPOINTS.items() if name not in {"discovery", "jwks"}},
        metadata={"jwks_uri": "{url}/realms/acme/jwks"},
        issuer="/realms/acme",
        fields={"issuer": "{url}/realms/acme", **HERE},
    ),
    "auth0": Dialect(
        moved=("https://{domain}",),
        issuer="/",
        asked={"audience": "https://api.acme.example"},
        fields={"audience": "https://api.acme.example", **HERE},
        needs=(("audience", None),),
    ),
    "okta": Dialect(moved=("https://{domain}/oauth2/{server}",), fields=HERE),
    "destine": Dialect(
        moved=("https://auth.destine.eu/realms/desp",),
        redirect=r"https://polytope\.lumi\.apps\.dte\.destination-earth\.eu/",
        asked={"scope": "openid offline_access"},
        fields={"base_url": "{url}/api/v1/"},
        at="/api/v1/thing",
        needs=(("redirect_uri", None),),
    ),
    "egi": Dialect(
        moved=("https://aai.egi.eu/auth/realms/egi",),
        me={"/userinfo": {"sub": "u-2001", "voperson_id": "rosa@egi.eu"}},
        device={},
        fields=HERE,
        username="rosa@egi.eu",
    ),
    "iam": Dialect(
        moved=("{issuer}",),
        paths={**ENDPOINTS, "/register": "register"},
        metadata={"registration_endpoint": "{url}/register"},
        issuer="/",
        client_by="register",
        device={},
        fields=HERE,
    ),
    "cilogon": Dialect(moved=("https://cilogon.org",), device={}, fields=HERE),
    "globus": Dialect(
        moved=("https://auth.globus.org",),
        asked={"access_type": "offline"},
        redirect=r"http://localhost:\d+/.*|https://auth\.globus\.org/v2/web/auth-code",
        at="/v2/api/thing",
        needs=(("authorize_params", {}),),
    ),
    "orcid": Dialect(
        moved=("https://orcid.org", "https://pub.orcid.org", "https://api.orcid.org"),
        client="post",
        answer=lambda params, _: (
            params | {"expires_in": 631138518, "name": "Rosa", "orcid": "u-2001"}
        ),
        username="u-2001",
        at="/v3.0/thing",
        needs=(("client_auth", "basic"),),
    ),
    "earthdata": Dialect(
        moved=("https://urs.earthdata.nasa.gov", "https://cmr.earthdata.nasa.gov"),
        paths=at("/oauth/authorize", "/oauth/token"),
        client="basic",
        answer=unscoped(endpoint="/api/users/rosa", expires_in=5184000),
        username=None,
        at="/search/thing",
        needs=(("client_auth", "post"),),
    ),
    "zenodo": Dialect(
        moved=("https://{host}",),
        paths=at("/oauth/authorize", "/oauth/token"),
        client="post",
        answer=lambda params, _: params | {"user": {"id": "110"}},
        username="110",
        at="/api/thing",
    ),
    "atlassian": Dialect(
        moved=("https://api.atlassian.com", "https://auth.atlassian.com"),
        paths=at("/authorize", "/oauth/token"),
        client="post",
        asked={"audience": "api.atlassian.com", "prompt": "consent"},
        me={"/me": {"account_id": "a1", "email": "rosa@acme.example"}},
        username="rosa@acme.example",
        needs=(("authorize_params", {"prompt": "consent"}), ("client_auth", "basic")),
    ),
    "salesforce": Dialect(
        moved=("https://{host}",),
        answer=lambda params, refreshing: only(
            params,
            *("access_token", "token_type", "scope", "id_token"),
            *(() if refreshing else ("refresh_token",)),
            instance_url="http://localhost:{port}",
            issued_at="1278448384422",
            signature="SSSbLO/gBhmmyNUvN18ODBDFYHzakxOMgqYtu+hDPsc=",
        ),
        rotates=False,
        fields={"api_origins": ["http://localhost:{port}"]},
        needs=(("base_url_from", None),),
    ),
    "slack": Dialect(
        moved=("https://slack.com",),
        paths=at("/oauth/v2/authorize", "/api/oauth.v2.access"),
        scope_name="user_scope",
        separator=",",
        answer=slack,
        fails=lambda error: (
            {"ok": False, "error": {"invalid_grant": "invalid_code"}.get(error, error)},
            200,
        ),
        me={"/api/auth.test": {"ok": True, "user": "rosa", "user_id": "U123"}},
        username="U123",
        at="/api/thing",
        needs=(
            ("scope_separator", None),
            ("param_names", {}),
            ("token_response", {}),
        ),
    ),
    "strava": Dialect(
        moved=("https://www.strava.com",),
        paths=at("/oauth/authorize", "/api/v3/oauth/token"),
        client="post",
        separator=",",
        answer=strava,
        username="227615",
        at="/api/v3/thing",
        needs=(("scope_separator", None), ("client_auth", "basic")),
    ),
    "spotify": Dialect(
        moved=("https://accounts.spotify.com", "https://api.spotify.com"),
        paths=at("/authorize", "/api/token"),
        redirect=ANY_PORT,
        me={"/v1/me": {"id": "rosa", "display_name": "Rosa L."}},
        at="/v1/thing",
        needs=(("loopback", "localhost"),),
    ),
    "dropbox": Dialect(
        moved=(
            "https://www.dropbox.com",
            "https://api.dropboxapi.com",
            "https://content.dropboxapi.com",
        ),
        paths=at("/oauth2/authorize", "/oauth2/token"),
        asked={"token_access_type": "offline"},
        answer=lambda params, _: params | {"uid": "12345", "account_id": "dbid:AAH4f"},
        rotates=False,
        username="dbid:AAH4f",
        at="/2/thing",
        needs=(("authorize_params", {}),),
    ),
    "box": Dialect(
        moved=("https://account.box.com", "https://api.box.com", "https://upload.box.com"),
        paths=at("/api/oauth2/authorize", "/oauth2/token", revoke="/oauth2/revoke"),
        client="post",
        answer=unscoped(restricted_to=[]),
        me={"/2.0/users/me": {"id": "1", "login": "rosa@acme.example"}},
        username="rosa@acme.example",
        at="/2.0/thing",
        needs=(("client_auth", "basic"),),
    ),
    "arcgis": Dialect(
        moved=("{portal}",),
        paths=at("/sharing/rest/oauth2/authorize", "/sharing/rest/oauth2/token"),
        answer=unscoped(username="rosa", ssl=True),
        at="/sharing/rest/thing",
    ),
    "notion": Dialect(
        moved=("https://api.notion.com",),
        paths=at("/v1/oauth/authorize", "/v1/oauth/token"),
        client="basic",
        asked={"owner": "user"},
        as_json=True,
        headers={"notion-version": "2022-06-28"},
        answer=notion,
        username="rosa@acme.example",
        at="/v1/thing",
        needs=(
            ("token_request", "form"),
            ("client_auth", "post"),
            ("authorize_params", {}),
            ("api_headers", {}),
        ),
    ),
    "linear": Dialect(
        moved=("https://linear.app", "https://api.linear.app"),
        paths=at("/oauth/authorize", "/oauth/token", revoke="/oauth/revoke"),
        client="post",
        separator=",",
        fields={"scopes": ["read", "write"]},
        username=None,
        needs=(("scope_separator", None),),
    ),
    "zoom": Dialect(
        moved=("https://zoom.us", "https://api.zoom.us"),
        paths=at("/oauth/authorize", "/oauth/token", revoke="/oauth/revoke"),
        redirect=ANY_PORT,
        separator=",",
        fields={"scopes": ["user:read:user", "meeting:read:meeting"]},
        answer=lambda params, _: params | {"api_url": "https://api.zoom.us"},
        me={"/v2/users/me": {"id": "z1", "email": "rosa@acme.example"}},
        username="rosa@acme.example",
        at="/v2/thing",
        needs=(("loopback", "localhost"), ("scope_separator", None)),
    ),
    "hubspot": Dialect(
        moved=("https://app.hubspot.com", "https://api.hubapi.com"),
        paths=at("/oauth/authorize", "/oauth/v1/token"),
        client="post",
        answer=unscoped(expires_in=1800),
        rotates=False,
        username=None,
        needs=(("client_auth", "basic"),),
    ),
    "quickbooks": Dialect(
        moved=(
            "https://quickbooks.api.intuit.com",
            "https://appcenter.intuit.com",
            "https://oauth.platform.intuit.com",
            "https://developer.api.intuit.com",
        ),
        paths=at("/connect/oauth2", "/oauth2/v1/tokens/bearer", revoke="/v2/oauth2/tokens/revoke"),
        client="basic",
        redirected={"realmId": "4620816365"},
        answer=unscoped(x_refresh_token_expires_in=8726400),
        username=None,
        at="/v3/company/4620816365/thing",
        needs=(("client_auth", "post"), ("base_url_from", None)),
    ),
}

# These sign people in by a code to type.
DEVICES = {
    **{name: each for name, each in DIALECTS.items() if each.device is not None},
    "planet": Dialect(
        moved=("https://login.planet.com",),
        issuer="/",
        device={"scope": "planet offline_access", "audience": "https://api.planet.com/"},
        needs=(("audience", None), ("scopes", None)),
    ),
    "copernicus": Dialect(
        moved=(
            "https://identity.dataspace.copernicus.eu/auth/realms/CDSE",
            "https://catalogue.dataspace.copernicus.eu",
        ),
        device={"code_challenge_method": "S256"},
        fields={"api_origins": ["{url}"]},
        at="/odata/v1/thing",
    ),
    "openeo": Dialect(
        moved=(
            "https://identity.dataspace.copernicus.eu/auth/realms/CDSE",
            "https://openeo.dataspace.copernicus.eu",
        ),
        device={"code_challenge_method": "S256"},
        header="Bearer oidc/CDSE/{token}",
    ),
}
