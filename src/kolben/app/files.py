"""Answers that are files: ETag, ranges, conditions and types by Werkzeug, defaults by the app."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, cast

import werkzeug.utils

from kolben.app.globals import current_app, request

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from kolben.app.wrappers import Response

__all__ = ["send_file", "send_from_directory"]


def default_max_age() -> int | None:
    """Return `SEND_FILE_MAX_AGE_DEFAULT` in seconds."""
    value = current_app.config["SEND_FILE_MAX_AGE_DEFAULT"]
    return int(value.total_seconds()) if isinstance(value, timedelta) else cast("int | None", value)


def _prepare_send_file_kwargs(**kwargs: Any) -> dict[str, Any]:
    if kwargs.get("max_age") is None:
        kwargs["max_age"] = current_app.get_send_file_max_age
    return {
        **kwargs,
        "environ": request.environ,
        "use_x_sendfile": current_app.config["USE_X_SENDFILE"],
        "response_class": current_app.response_class,
        "_root_path": current_app.root_path,
    }


def send_file(
    path_or_file: os.PathLike[Any] | str | IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | float | None = None,
    max_age: int | Callable[[str | None], int | None] | None = None,
) -> Response:
    """Answer with a file.  SECURITY: never a path that a client gave; for those, `send_from_directory`.

    Args:
        path_or_file: A path, relative to the app's root, or a file open for reading bytes, at its start.
        mimetype: Left out, it follows from the name.
        as_attachment: Let the browser save it rather than show it.
        download_name: The name for that; needed with as_attachment when there is no path.
        conditional: Heed ranges and If-Modified-Since, If-None-Match.
        etag: Make one, or use this one.
        last_modified: Left out, the file's own time.
        max_age: Seconds that a browser may keep it, or a function of the path.
    """
    options = _prepare_send_file_kwargs(
        path_or_file=path_or_file,
        mimetype=mimetype,
        as_attachment=as_attachment,
        download_name=download_name,
        conditional=conditional,
        etag=etag,
        last_modified=last_modified,
        max_age=max_age,
    )
    return cast("Response", werkzeug.utils.send_file(**options))


def send_from_directory(directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: Any) -> Response:
    """Answer with a file below a folder, 404 if it is not there or not below.  More options as for `send_file`."""
    return cast("Response", werkzeug.utils.send_from_directory(directory, path, **_prepare_send_file_kwargs(**kwargs)))
