from typing import final

from typing_extensions import disjoint_base

from kolben.app.app import App
from kolben.app.plans import PlanCompiler
from kolben.http import Handler, Plan

@final
class Route:
    """What a method and path, byte for byte as they were sent, lead to: a rule without variables, and its plan."""

@disjoint_base
class AppHandler(Handler):
    """Finds the plan of a request for one app."""

    def __init__(self, app: App, compiler: PlanCompiler) -> None: ...
    def plan_of(self, endpoint: str) -> Plan:
        """The plan of an endpoint: for who wants to know where it runs."""
