"""A request: Werkzeug's, on native data."""

from __future__ import annotations

import errno
import io
import logging
import sys
from typing import IO, Any, cast

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.utils import cached_property
from werkzeug.wrappers import Request as WerkzeugRequest

from kolben.http._request import RequestBase
from kolben.http.incoming import BlockingBody, IncomingBody

__all__ = ["InsufficientStorage", "Request"]

log = logging.getLogger("kolben.server")
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}  # for temporary files


class InsufficientStorage(HTTPException):
    """507 (RFC 4918, section 11.5): the disk is full on which an uploaded file is kept until the request ends."""

    code = 507
    description = "The server has no room for what was sent."


class Request(RequestBase, WerkzeugRequest):
    """A request as views see it.

    Made by our server without Werkzeug's constructor, from the bytes of its head; or, as Werkzeug's, from a WSGI environ.
    Either way every attribute of Werkzeug's is there, computed when asked for.
    """

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body as a file that is read once.

        A body longer than `max_content_length` is refused here, before any of it is read; one that is read while it comes, and did not
        say how long it is, as soon as it is longer.
        """
        body: Any = None if self.shallow else self._open_body()
        if body is None and not self.shallow and isinstance(given := self.environ.get("wsgi.input"), IncomingBody):
            body = given  # of an app under a path of another one
        if body is None:
            return cast("IO[bytes]", BlockingBody(super().stream)) if is_in_loop() else super().stream
        limit = self.max_content_length
        if isinstance(body, IncomingBody):
            if limit is not None and (self.content_length or 0) > limit:
                raise RequestEntityTooLarge
            body.limit = limit
            return cast("IO[bytes]", body)
        if limit is not None and length_of(body) > limit:
            raise RequestEntityTooLarge
        return cast("IO[bytes]", body)

    async def aload_form(self) -> None:
        """Parse a form in a thread, files to the disk; then `form`, `files` and `values` are here, and reading them stops no loop.

        With `stream=True` it is parsed while it comes.

        Raises:
            HTTPException: as `form` would.
        """
        from asyncio import to_thread  # where no task asks, nobody may need it

        await to_thread(self._load_form_data)

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            log.error("An uploaded file cannot be kept: %s", error)  # noqa: TRY400 - the traceback would only show a form parser
            raise InsufficientStorage from error
        # Most requests have none, so that who answers one need not ask it to close itself.
        self.has_uploads = bool(self.__dict__.get("files"))


def length_of(file: IO[bytes]) -> int:
    """How many bytes are left to read."""
    position = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(position)
    return end - position


def is_in_loop() -> bool:
    """Tell whether an event loop runs in this thread; imports none."""
    asyncio: Any = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None
