"""The process behind ``insiders``: django-oauth-toolkit with the addresses that Insiders documents.

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
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

LOGIN = (
    '<form method="post" action="">{% csrf_token %}<input name="username">'
    '<input name="password" type="password">{% for each in form.non_field_errors %}'
    '<p role="alert">{{ each }}</p>{% endfor %}</form>'
)
TOOLKIT = {
    "SCOPES": {"all": "Everything"},
    "DEFAULT_SCOPES": ["all"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 36000,
}
journal: list[dict[str, Any]] = []


def configure(directory: Path) -> None:
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=Urls,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "insiders_server.journaled",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(directory / "insiders.sqlite3"),
                "OPTIONS": {"timeout": 20},
            }
        },
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        (
                            "django.template.loaders.locmem.Loader",
                            {"registration/login.html": LOGIN},
                        ),
                        "django.template.loaders.app_directories.Loader",
                    ],
                    "context_processors": ["django.template.context_processors.request"],
                },
            }
        ],
        # The usual ones take a second for each login on purpose.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGIN_URL="/accounts/login/",
        USE_TZ=True,
        OAUTH2_PROVIDER=dict(TOOLKIT),
    )
    django.setup(set_prefix=False)
    call_command("migrate", verbosity=0)


def journaled(get_response):
    """What arrived, for tests to read: no header but the client's, no value of a form."""

    def middleware(request):
        path, method = request.path, request.method
        basic = request.headers.get("Authorization", "").startswith("Basic ")
        fields = dict(request.POST.items()) if path.startswith("/oauth2/") else {}
        response = get_response(request)
        if not path.startswith("/_control/"):
            journal.append(
                {"method": method, "path": path, "basic": basic, "form": fields}
                | {"query": dict(request.GET.items()), "status": response.status_code}
            )
        return response

    return middleware


def urls() -> list[Any]:
    from django.contrib.auth.views import LoginView
    from django.http import JsonResponse
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt
    from oauth2_provider import views
    from oauth2_provider.contrib.rest_framework import OAuth2Authentication
    from oauth2_provider.decorators import protected_resource
    from rest_framework.authentication import SessionAuthentication
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.renderers import JSONRenderer
    from rest_framework.response import Response
    from rest_framework.views import APIView

    @protected_resource(scopes=["all"])
    def devices(request):
        return JsonResponse({"count": 3, "owner": request.resource_owner.username})

    @protected_resource(scopes=["all"])
    def me(request):
        return JsonResponse({"username": request.resource_owner.username})

    class OfRest(APIView):
        """A resource of Django REST framework. Its first way to sign in decides: 401, or 403."""

        permission_classes = (IsAuthenticated,)
        renderer_classes = (JSONRenderer,)

        def get(self, request):
            return Response({"count": 3, "owner": request.user.username})

    by_token = [OAuth2Authentication]
    by_cookie_too = [SessionAuthentication, OAuth2Authentication]

    return [
        path("oauth2/authorize/", views.AuthorizationView.as_view(), name="authorize"),
        path("oauth2/token/", views.TokenView.as_view(), name="token"),
        path("oauth2/revoke-token/", views.RevokeTokenView.as_view(), name="revoke-token"),
        path("accounts/login/", LoginView.as_view()),
        path("api/v1/devices/", devices),
        path("api/v1/me/", me),
        path("api/v1/rest/401/", OfRest.as_view(authentication_classes=by_token)),
        path("api/v1/rest/403/", OfRest.as_view(authentication_classes=by_cookie_too)),
        path("_control/<str:name>/", csrf_exempt(control)),
    ]


def control(request, name):
    """The test's own desk."""
    from django.http import JsonResponse

    return JsonResponse(CONTROLS[name](json.loads(request.body or "{}")), safe=False)


def reset(changes: dict[str, Any]) -> dict[str, Any]:
    """The toolkit's settings as documented, with ``changes``; no tokens and an empty journal."""
    from oauth2_provider.models import get_access_token_model, get_refresh_token_model

    change(changes)
    get_refresh_token_model().objects.all().delete()
    get_access_token_model().objects.all().delete()
    journal.clear()
    return {}


def change(changes: dict[str, Any]) -> dict[str, Any]:
    """The toolkit's settings as documented, with ``changes``."""
    from oauth2_provider.settings import oauth2_settings

    settings.OAUTH2_PROVIDER = TOOLKIT | changes
    oauth2_settings.reload()
    return {}


def expire(_: dict[str, Any]) -> dict[str, Any]:
    """Every access token that was issued so far has run out."""
    from django.utils import timezone
    from oauth2_provider.models import get_access_token_model

    past = timezone.now() - timezone.timedelta(seconds=1)
    return {"expired": get_access_token_model().objects.update(expires=past)}


def alive(asked: dict[str, Any]) -> bool:
    """Whether the toolkit would still take this access or refresh token."""
    from oauth2_provider.models import get_access_token_model, get_refresh_token_model

    access = get_access_token_model().objects.filter(token=asked["token"]).first()
    if access:
        return access.is_valid()
    refresh = get_refresh_token_model().objects.filter(token=asked["token"], revoked=None)
    return refresh.exists()


CONTROLS = {
    "configure": change,
    "reset": reset,
    "expire": expire,
    "alive": alive,
    "journal": lambda _: journal,
}


def register(asked: dict[str, Any]) -> None:
    from django.contrib.auth.models import User
    from oauth2_provider.models import get_application_model

    for username, password in asked["users"].items():
        User.objects.create_user(username, password=password)
    for client_id, application in asked["applications"].items():
        get_application_model().objects.create(
            client_id=client_id,
            client_secret=asked["client_secret"],
            client_type="confidential",
            name=client_id,
            **application,
        )


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: the journal has it."""


class Urls:
    """What Django takes for a module of addresses."""

    urlpatterns: tuple[Any, ...] = ()


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        sys.modules["insiders_server"] = sys.modules[__name__]  # by that name Django finds it
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
