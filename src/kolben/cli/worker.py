"""`python -m kolben.cli.worker`: one worker process.  A supervisor starts it, with its own command line; nobody types it."""

import logging
import sys
import traceback
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kolben.app.logging import default_handler
from kolben.base.errors import UsageError
from kolben.cli.run import load_app, unfit
from kolben.cli.serve import read_options
from kolben.server.access import AccessLog
from kolben.server.logs import LogFile, set_up_logs
from kolben.server.profile import set_profile
from kolben.server.proxies import ProxyHandler
from kolben.server.serving import limits_of, services_of, timeouts_of
from kolben.server.worker import Inheritance, Worker

if TYPE_CHECKING:
    from kolben.server import Server

__all__ = ["main"]

log = logging.getLogger("kolben.server")


def main(arguments: list[str]) -> int:
    """Be a worker; return the exit status."""
    inheritance = Inheritance.take()
    options = read_options(arguments)
    handler = set_up_logs(form=options.log_format, path=Path(options.log_file) if options.log_file else None)
    default_handler.setFormatter(handler.formatter)  # of app.logger, if the app sets up no other
    worker = Worker(inheritance, reopen_logs=handler.reopen if isinstance(handler, LogFile) else lambda: None)
    try:
        app = load_app(options)
        app.debug = False  # whatever the file says
        set_profile(
            security=options.security_fields,
            content_policy=options.content_policy,
            server=options.server_field,
            request_ids=options.request_id,
        )
        return serve(worker, app, options)
    except UsageError as error:
        return worker.fail(str(error))
    except BaseException:
        return worker.fail(traceback.format_exc())


def serve(worker: Worker, app: Any, options: Namespace) -> int:
    """Serve the app."""
    for problem in unfit(app):
        log.warning("%s", problem)

    def prepare(server: "Server") -> None:
        if options.access_log is not False:
            server.engine.access_log = AccessLog()

        if options.trust:
            server.engine.exempt = options.trust.and_this_machine()

    timeouts = timeouts_of(app)
    if options.graceful is not None:
        timeouts = replace(timeouts, graceful=options.graceful)
    handler = app.handler
    if options.trust:
        handler = ProxyHandler(
            handler, options.trust, standard=options.proxy_forwarded, host=options.proxy_host, prefix=options.proxy_prefix
        )
    worker.run(handler, prepare, limits=limits_of(app, options.threads), timeouts=timeouts, services=services_of(app))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
