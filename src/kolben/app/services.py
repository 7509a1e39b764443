"""Services beside HTTP: what an app listens to by TCP, UDP, Unix sockets and TLS; the decorators are in `listening`.

Registered here, run by whoever serves the app: in its processes, with its limits, its stop, its log, and an app context around each call.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from kolben.app import signals
from kolben.app.contexts import AppContext
from kolben.app.listening import Kind, Listening, spec_of
from kolben.app.living import Living
from kolben.app.scaffold import setupmethod

if TYPE_CHECKING:
    from kolben.app._calling import CallContexts
    from kolben.app.app import App
    from kolben.net.service import Service
    from kolben.services.service import Crew

__all__ = ["Services"]


class Services(Listening, Living):
    """The ninth storey: what listens beside HTTP."""

    @property
    def services(self) -> list[Service]:
        """What listens beside HTTP, in the order of registration."""
        found: list[Service] = self.__dict__.setdefault("_services", [])
        return found

    @setupmethod
    def ftp(
        self,
        folder: str | os.PathLike[str],
        address: str = "127.0.0.1:2121",
        *,
        authenticate: Callable[[str, str], Any] | None = None,
        may: Callable[[str, str, str], Any] | None = None,
        name: str = "ftp",
        connections: int = 0,
        **options: Any,
    ) -> None:
        """Serve a folder over FTP: `app.ftp("shared", authenticate=check_password, may=allowed)`.  Needs `kolben[ftp]`.

        Args:
            folder: What is served; a relative path begins at the app's root.
            address: "host:port".
            authenticate: Called with name and password; whether they may come in.  Left out, "anonymous" alone.
            may: Called with a name, "read" or "write", and a path such as "/reports/may.txt"; whether they may.  Left out, read only.
            name: For logs and lists.
            connections: How many may be open in each process.
            options: `passive_ports`, `public_address`, `certificate`, `key`, `require_tls`, `timeout`: those of
                `kolben.services.ftp.FTPSessions`.

        Raises:
            UsageError: the extra is not installed, or the folder is none.
        """
        from kolben.services.ftp import FTPSessions

        sessions = FTPSessions(
            os.path.join(self.root_path, folder),
            authenticate=authenticate and self.ensure_sync(authenticate),
            may=may and self.ensure_sync(may),
            **options,
        )
        self._add_service("streams", sessions, spec_of("tcp", address), name=name, connections=connections)

    def _add_service(self, kind: Kind, function: Callable[..., Any], spec: str, **options: Any) -> None:
        service: Service
        if kind == "streams":
            from kolben.services.streams import StreamService

            service = StreamService(function, spec, context=self.app_context, crew=self._crew(), **options)
        else:
            from kolben.services.datagrams import DatagramService

            service = DatagramService(function, spec, context=self._call_contexts(), **options)
        self.services.append(service)

    def _call_contexts(self) -> CallContexts:
        from kolben.app._calling import CallContexts
        from kolben.app.plans import PlanCompiler

        app = cast("App", self)
        watched = (signals.appcontext_pushed, signals.appcontext_tearing_down, signals.appcontext_popped)
        return CallContexts(app, PlanCompiler(app), AppContext, watched)

    def _crew(self) -> Crew:
        from kolben.services.service import Crew

        crew: Crew = self.__dict__.setdefault("_service_crew", Crew())
        return crew
