"""A Jinja2 environment that belongs to an app, and a loader that looks in the app's folder, then in its blueprints'.

What an app is, this room does not know: `app` is whatever has `config`, `jinja_loader` and `iter_blueprints()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import BaseLoader, TemplateNotFound
from jinja2 import Environment as BaseEnvironment

from kolben.templating._attribute import attribute_or_item

__all__ = ["DispatchingJinjaLoader", "Environment"]

Source = tuple[str, str | None, Callable[[], bool] | None]  # text, file name, is it still up to date?


class Environment(BaseEnvironment):
    """Jinja2's environment, with `app` and the app's loader."""

    def __init__(self, app: Any, **options: Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self.app = app

    getattr = attribute_or_item

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # SECURITY: beside a second base that decides what a template may read, such as Jinja's sandbox, that one decides.
        if cls.getattr is attribute_or_item and (following := super().getattr) is not BaseEnvironment.getattr:
            cls.getattr = following


class DispatchingJinjaLoader(BaseLoader):
    """Asks the app's loader first: so an app can replace a template of a blueprint."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def get_source(self, environment: BaseEnvironment, template: str) -> Source:
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            return self._get_source_explained(environment, template)
        return self._get_source_fast(environment, template)

    def _get_source_fast(self, environment: BaseEnvironment, template: str) -> Source:
        for _, loader in self._iter_loaders(template):
            source = _try(loader, environment, template)
            if source is not None:
                return source
        raise TemplateNotFound(template)

    def _get_source_explained(self, environment: BaseEnvironment, template: str) -> Source:
        attempts = [(loader, owner, _try(loader, environment, template)) for owner, loader in self._iter_loaders(template)]
        self.app._explain_template_loading(template, attempts)
        for _, _, source in attempts:
            if source is not None:
                return source
        raise TemplateNotFound(template)

    def _iter_loaders(self, template: str) -> Iterator[tuple[Any, BaseLoader]]:
        for owner in (self.app, *self.app.iter_blueprints()):
            if owner.jinja_loader is not None:
                yield owner, owner.jinja_loader

    def list_templates(self) -> list[str]:
        return list({name for _, loader in self._iter_loaders("") for name in loader.list_templates()})


def _try(loader: BaseLoader, environment: BaseEnvironment, template: str) -> Source | None:
    try:
        return loader.get_source(environment, template)
    except TemplateNotFound:
        return None
