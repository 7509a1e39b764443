from typing import Any

from typing_extensions import disjoint_base

from kolben.app._version import Version
from kolben.app.urls import Urls
from kolben.routing._build import Builder
from kolben.routing._tree import Tree

@disjoint_base
class Links:
    """What url_for needs to know of one app."""

    url_for_is_ours: bool
    injects: bool
    domain: str | None

    def __init__(self, app: Urls, version: Version, tree: Tree | None, builder: Builder | None, config: dict[str, Any]) -> None: ...

def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """Build the URL of an endpoint of the current app; see `App.url_for`."""

def app_url_for(
    self: Any,
    /,
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """Build the URL of an endpoint."""
