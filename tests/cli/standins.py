"""Stand-ins for the app and for the screen; importable by the small files that tests write."""

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any

from werkzeug.routing import Map, Rule

from kolben.http import Mode, Plan


class FakeApp:
    """What the command line needs of an app."""

    def __init__(self, import_name: str = "") -> None:
        self.import_name = import_name
        self.debug = False
        self.url_map = Map()
        self.view_functions: dict[str, Callable[..., object]] = {}
        self.endpoint_options: dict[str, dict[str, object]] = {}

    def route(self, rule: str, methods: tuple[str, ...] = ("GET",), **options: object) -> Callable[[Any], Any]:
        def register(view: Any) -> Any:
            self.url_map.add(Rule(rule, methods=methods, endpoint=view.__name__))
            self.view_functions[view.__name__] = view
            self.endpoint_options[view.__name__] = options
            return view

        return register

    @property
    def handler(self) -> "FakeApp":
        return self

    def plan_of(self, endpoint: str) -> Plan:
        plan = Plan()
        run = self.endpoint_options[endpoint].get("run")
        is_async = iscoroutinefunction(self.view_functions[endpoint])
        plan.mode = Mode.INLINE if run == "inline" else Mode.TASK if is_async and run is None else Mode.THREAD
        plan.pinned = is_async or run is not None
        return plan


def is_fake(value: object) -> bool:
    return isinstance(value, FakeApp)


@dataclass
class Typed:
    """What came of a command."""

    status: int
    out: str
    err: str
    served: list[dict[str, Any]] = field(default_factory=list)
