"""The process behind ``django_allauth``: what its documentation says for an identity provider.

It reads its settings as one line of JSON from stdin, prints ``{"port": ...}`` once it listens, and
ends when stdin does.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

APPS = ["auth", "contenttypes", "sessions", "messages"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
CONTEXT = ["django.template.context_processors.request"]


class Urls:
    """What Django takes for a module of addresses."""

    urlpatterns: tuple[Any, ...] = ()


def configure(directory: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=Urls,
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in APPS),
            "allauth",
            "allauth.account",
            "allauth.idp.oidc",
        ],
        MIDDLEWARE=MIDDLEWARE,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(directory / "allauth.sqlite3"),
                "OPTIONS": {"timeout": 20},
            }
        },
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": CONTEXT},
            }
        ],
        # The usual ones take a second for each login on purpose.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ACCOUNT_EMAIL_VERIFICATION="none",
        ACCOUNT_RATE_LIMITS=False,
        IDP_OIDC_DEVICE_CODE_INTERVAL=1,
        IDP_OIDC_PRIVATE_KEY=pem.decode(),
        USE_TZ=True,
    )
    django.setup(set_prefix=False)
    call_command("migrate", verbosity=0)


def urls() -> list[Any]:
    from django.urls import include, path
    from django.views.decorators.csrf import csrf_exempt

    return [
        path("", include("allauth.idp.urls")),
        path("accounts/", include("allauth.account.urls")),
        path("_control/<str:name>", csrf_exempt(control)),
    ]


def control(request, name):  # noqa: ARG001 (Django's)
    """The test's own desk: ``expire`` ends the access tokens, ``forget`` the refresh tokens."""
    from allauth.idp.oidc.models import Token
    from django.http import JsonResponse

    ended = {"expire": Token.Type.ACCESS_TOKEN, "forget": Token.Type.REFRESH_TOKEN}[name]
    return JsonResponse({"ended": Token.objects.filter(type=ended).delete()[0]})


def register(asked: dict[str, Any]) -> None:
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User

    User.objects.create_user(asked["username"], password=asked["password"])
    code, device = Client.GrantType.AUTHORIZATION_CODE, Client.GrantType.DEVICE_CODE
    client = Client(id=asked["client_id"], name="Notebooks")
    client.set_secret(asked["client_secret"])
    client.set_redirect_uris(asked["redirect_uris"])
    public = Client(id=asked["public_id"], name="Terminals", type=Client.Type.PUBLIC)
    for each, grant in ((client, code), (public, device)):
        each.set_scopes(["openid", "profile", "email"])
        each.set_grant_types([grant, Client.GrantType.REFRESH_TOKEN])
        each.save()


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        configure(Path(directory))
        Urls.urlpatterns = tuple(urls())
        register(json.loads(sys.stdin.readline()))
        server = make_server("127.0.0.1", 0, get_wsgi_application(), Server, Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(json.dumps({"port": server.server_port}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
