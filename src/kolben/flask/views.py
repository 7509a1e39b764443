"""Flask's module `views`."""

from kolben.app.views import MethodView, View, http_method_funcs

__all__ = [
    "MethodView",
    "View",
    "http_method_funcs",
]
