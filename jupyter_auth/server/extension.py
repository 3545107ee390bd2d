"""The Jupyter Server extension: builds the engine, opens both APIs, and closes them."""

from __future__ import annotations

import atexit
import os
from collections import ChainMap
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.extension.config import DEFAULT_SECTION_NAME, ExtensionConfigManager
from jupyter_server.utils import ensure_async
from traitlets.config import Config

from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.login.admission import admit_all
from jupyter_auth.kernel.broker.neighbours import forward
from jupyter_auth.server.broker.broker import Broker
from jupyter_auth.server.broker.known_browsers import KnownBrowsers
from jupyter_auth.server.broker.redirect.hub import HubRedirect
from jupyter_auth.server.broker.same_person import SamePerson
from jupyter_auth.server.browser import api, pages
from jupyter_auth.server.browser.events import ChangeEvents
from jupyter_auth.server.browser.render import STATIC
from jupyter_auth.server.config import SECTION, JupyterAuth, Settings, read_settings
from jupyter_auth.server.configured import checked, providers_of
from jupyter_auth.server.forward import RemoteBroker
from jupyter_auth.server.kernel_api.socket import OFF, VARIABLE, KernelSocket
from jupyter_auth.server.token_files.kept import TokenFiles
from jupyter_auth.server.undumpable import close_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_server.serverapp import ServerApp
    from tornado.web import RequestHandler

    from jupyter_auth.server.broker.broker import NotebookOf
    from jupyter_auth.server.broker.page_urls import Visits

COLLABORATION = {"jupyter_server_ydoc", "jupyter_collaboration"}  # of jupyter-collaboration 2, 1


def make_broker(
    settings: Settings,
    base_url: str,
    listening: Callable[[], str | None] = lambda: None,
    hub: HubRedirect | None = None,
    *,
    shared: bool = False,
    notebook_of: NotebookOf | None = None,
) -> Broker:
    """The broker of this server's user. ``listening`` gives the server's address, if known yet."""
    from jupyter_auth.core.consent.store import FileConsents
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.tokens.store import FileStore

    store = FileStore(settings.store_directory)
    asks = shared if settings.consent is None else settings.consent

    return Broker(
        Engine(
            providers_of(settings),
            store,
            login_lifetime=settings.login_lifetime,
            admit=SamePerson(hub.owner, settings.same_person) if hub else admit_all,
            home=Path.home(),
            environ=ChainMap(settings.environ, os.environ),
            client_document=settings.client_document,
            consents=FileConsents(store.directory) if asks else None,
        ),
        base_url=base_url,
        public_origin=settings.public_origin,
        known_browsers=KnownBrowsers.of_server(
            hub.owner if hub else "", os.environ, confirm=settings.confirm
        ),
        default_provider=settings.default_provider,
        hub=hub,
        listening=listening,
        shared=shared,
        neighbour=forward,
        notebook_of=notebook_of,
    )


class JupyterAuthApp(ExtensionApp):
    """``jupyter_auth`` in a Jupyter server, which no wrong setting or store stops: it is logged."""

    name = "jupyter_auth"
    extension_url = "/"
    load_other_extensions = True
    classes = [*ExtensionApp.classes, JupyterAuth]  # noqa: RUF012 (how traitlets declares it)

    static_paths = [str(STATIC)]  # noqa: RUF012 (as above)

    broker: Broker | None = None
    remote: RemoteBroker | None = None
    kernel_socket: KernelSocket | None = None
    change_events: ChangeEvents | None = None
    token_files: TokenFiles | None = None

    def load_config_file(self, suppress_errors: bool = True) -> None:  # type: ignore[override]  # noqa: FBT001, FBT002
        """Read ``jupyter_server_config.d`` too, where Jupyter itself only looks for extensions."""
        manager = ExtensionConfigManager(read_config_path=self.config_file_paths)
        found = manager.get(DEFAULT_SECTION_NAME).get(SECTION)  # type: ignore[no-untyped-call]
        if isinstance(found, dict):
            self.update_config(Config({SECTION: found}))
        super().load_config_file(suppress_errors)

    def initialize(self, argv: Any = None) -> None:  # noqa: ARG002 (ExtensionApp has none)
        """Called while the server loads, before its event loop runs and any kernel starts."""
        for name in (VARIABLE, OFF):  # those of the server in whose terminal this one was started
            os.environ.pop(name, None)
        assert self.serverapp is not None  # noqa: S101 (linked before)
        base_url = str(self.serverapp.web_app.settings["base_url"])
        # The server's configuration, not our own: extensions that are linked later add to it, and
        # `jupyter lab` reads jupyter_lab_config.py as one of them.
        settings = read_settings(self.serverapp, base_url)
        if settings.notes:
            close_process()
        for note in settings.notes:
            self.log.warning("%s %s", note.says, note.advice)
        try:
            hub = HubRedirect.of() if _signs_in_by_hub(self.serverapp) else None
            shared = _is_shared(self.serverapp, settings.shared_server)
            self.remote = RemoteBroker.configured_for(
                hub, shared=shared, notebook_of=self._notebook_of
            )
            if not self.remote:
                settings = checked(settings, hub)
            # It has all that both APIs call; the pages, which call more, are the Hub service's.
            self.broker = cast("Broker | None", self.remote) or make_broker(
                settings, base_url, self._address, hub, shared=shared, notebook_of=self._notebook_of
            )
            self.kernel_socket = KernelSocket.open(self.broker, Path(self.serverapp.runtime_dir))
        except AuthError as error:
            self._close()
            os.environ[OFF] = str(error)  # kernels inherit it, and repeat it
            self.log.error("Sign-in for kernels is off. %s", error)  # noqa: TRY400 (no traceback)
            return
        self.token_files = TokenFiles(settings.token_files, self.broker)
        for problem in settings.problems:
            self.log.error("Wrong setting: %s", problem)
        atexit.register(self._close)  # a server that finds no free port exits without stopping us
        if not self.remote:
            self._watch_visits(self.broker.visits)
        if events := self.serverapp.event_logger:
            self.change_events = ChangeEvents(events, self.broker)
        # The pages of JupyterLab and Notebook 7 say so to our labextension.
        page = self.serverapp.web_app.settings.setdefault("page_config_data", {})
        page["jupyterAuth"] = True
        super().initialize()  # type: ignore[no-untyped-call]

    def _address(self) -> str | None:
        app = self.serverapp
        if app is None or app.sock:
            return None
        return str(app.custom_display_url or app.connection_url)

    async def _notebook_of(self, kernel: str) -> str | None:
        """The path of a kernel's notebook, as Jupyter itself knows it."""
        assert self.serverapp is not None  # noqa: S101 (as in ``initialize``)
        sessions = await ensure_async(self.serverapp.session_manager.list_sessions())
        found = (each["path"] for each in sessions if (each["kernel"] or {}).get("id") == kernel)
        return next(found, None)

    def _watch_visits(self, visits: Visits) -> None:
        """Note where requests come to, with the function that Jupyter logs them by."""
        assert self.serverapp is not None  # noqa: S101 (as in ``initialize``)
        settings = self.serverapp.web_app.settings
        log = settings["log_function"]

        def logged(handler: RequestHandler) -> None:
            if getattr(handler, "_jupyter_current_user", None):  # Jupyter has let it in
                visits.note(handler.request)
            log(handler)

        settings["log_function"] = logged

    def initialize_handlers(self) -> None:
        """Add the routes for browsers; the kernels' are on their socket."""
        given = {"broker": self.broker}
        routes = api.ROUTES if self.remote else [*pages.ROUTES, *api.ROUTES]
        self.handlers.extend((path, kind, given) for path, kind in routes)

    async def _start_jupyter_server_extension(self, _: ServerApp) -> None:
        """Called once the event loop runs."""
        if self.kernel_socket:
            self.kernel_socket.watch()
        if self.change_events:
            self.change_events.start()
        if self.token_files:
            self.token_files.start()

    async def stop_extension(self) -> None:
        """Close both APIs and remove the socket's files."""
        broker, kernel_socket = self.broker, self.kernel_socket
        self._close()
        if broker and kernel_socket:
            await broker.drained()
            await kernel_socket.close_connections()

    def _close(self) -> None:
        atexit.unregister(self._close)
        opened = self.token_files, self.kernel_socket, self.broker
        self.token_files = self.kernel_socket = self.broker = None
        for each in opened:
            if each:
                each.close()


def _signs_in_by_hub(app: ServerApp) -> bool:
    """Whether the Hub says who its users are, as ``jupyterhub.singleuser`` has it.

    The Hub's variables alone do not mean that: servers of Binder, and those that are started in the
    terminal of another, have them too.
    """
    kinds = (*type(app).__mro__, *type(app.identity_provider).__mro__)
    return any(kind.__module__.startswith("jupyterhub.") for kind in kinds)


def _is_shared(app: ServerApp, said: bool | None) -> bool:  # noqa: FBT001 (a setting)
    """Whether several people use this server: as configured, else if collaboration is enabled."""
    if said is not None:
        return said
    extensions = app.extension_manager.extensions
    return any(extensions[name].enabled for name in COLLABORATION & extensions.keys())
