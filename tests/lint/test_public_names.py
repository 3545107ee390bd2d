"""What users import does not change its name with the files that it is in."""

import jupyter_auth

ERRORS = {
    "AuthError",
    "BrokerUnavailable",
    "ConfigurationError",
    "InsufficientScope",
    "LoginCancelled",
    "LoginDenied",
    "LoginExpired",
    "LoginFailed",
    "LoginRequired",
    "ProviderError",
    "ProviderNotFound",
    "ProviderUnavailable",
    "RefreshRejected",
    "StoreError",
    "Throttled",
    "UserMismatch",
}
SESSIONS = {
    "AuthWarning",
    "ClientSession",
    "LoginWidget",
    "TokenAuth",
    "UserSession",
    "credential",
    "httpx_auth",
    "token",
}
PROVIDERS = {"CredentialsFrom", "Endpoints", "Header", "Paste", "Provider", "Service", "provider"}
HUB = {"hub_config", "user_redirect_hook"}


def test_the_public_names():
    assert set(jupyter_auth.__all__) == ERRORS | SESSIONS | PROVIDERS | HUB
    for name in jupyter_auth.__all__:
        assert getattr(jupyter_auth, name).__name__ == name
