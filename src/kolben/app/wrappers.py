"""Request and Response as an app knows them: with the rule that matched, and with limits from its config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from werkzeug.exceptions import BadRequest, HTTPException

from kolben.app import json
from kolben.app._configured import Configured, JSONModule
from kolben.app.globals import _cv_app
from kolben.app.scaffold import _split_blueprint_path
from kolben.base.watched import WatchedType
from kolben.http import Request as BaseRequest
from kolben.http import Response as BaseResponse

if TYPE_CHECKING:
    from werkzeug.routing import Rule

__all__ = ["SENDING", "Request", "Response"]


def _debug() -> bool:
    context = _cv_app.get(None)
    return context is not None and context.app.debug


class Request(BaseRequest, metaclass=WatchedType):
    """What the client asked.

    Attributes:
        url_rule: The rule that matched, or None.
        view_args: The values that the rule took from the URL, or None.
        routing_exception: What to raise instead of calling a view: no rule matched, or a redirect.
    """

    if TYPE_CHECKING:  # native attributes, see kolben.http._request
        url_rule: Rule | None
        view_args: dict[str, Any] | None
        routing_exception: HTTPException | None

    max_content_length = Configured("max_content_length", BaseRequest.max_content_length)
    max_form_memory_size = Configured("max_form_memory_size", BaseRequest.max_form_memory_size)
    max_form_parts = Configured("max_form_parts", BaseRequest.max_form_parts)  # type: ignore[assignment]  # None: no limit, as in Flask
    json_module = JSONModule()

    @property
    def endpoint(self) -> str | None:
        """Name of the endpoint that matched, with its blueprints: "admin.users.show"."""
        return None if self.url_rule is None else cast("str", self.url_rule.endpoint)

    @property
    def blueprint(self) -> str | None:
        """Full name of the blueprint that the endpoint belongs to: "admin.users"."""
        endpoint = self.endpoint
        return endpoint.rpartition(".")[0] if endpoint is not None and "." in endpoint else None

    @property
    def blueprints(self) -> list[str]:
        """The blueprint and those around it, innermost first: ["admin.users", "admin"]."""
        name = self.blueprint
        return [] if name is None else _split_blueprint_path(name)

    def _load_form_data(self) -> None:
        super()._load_form_data()
        if _debug() and self.mimetype != "multipart/form-data" and not self.files:
            from kolben.app.debughelpers import attach_enctype_error_multidict

            attach_enctype_error_multidict(self)

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as error:
            if _debug():
                raise
            raise BadRequest from error  # what was wrong with it is the developer's to know


class Response(BaseResponse, metaclass=WatchedType):
    """The answer: HTML unless said otherwise."""

    default_mimetype: str | None = "text/html"
    json_module = json
    autocorrect_location_header = False

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]  # Werkzeug has a plain attribute
        """Bytes of one cookie above which a warning is given: `MAX_COOKIE_SIZE` of the app's config."""
        context = _cv_app.get(None)
        config = None if context is None else context.app.config
        return cast("int", BaseResponse.max_cookie_size if config is None else config["MAX_COOKIE_SIZE"])


# What is asked of a response when it is sent, as it is before anybody can have replaced it.
SENDING = {
    name: getattr(Response, name)
    for name in ("__call__", "calculate_content_length", "close", "get_app_iter", "get_wsgi_headers", "get_wsgi_response", "iter_encoded")
}
