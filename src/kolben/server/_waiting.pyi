"""While a plan runs: clients that leave, and its deadline."""

from asyncio import Task
from typing import Any

from typing_extensions import disjoint_base

from kolben.server._answer import Answerer

@disjoint_base
class Waiting(Answerer):
    """The side of a connection that waits for its plan."""

    def age(self) -> float:
        """For how many seconds it has been asked to run."""

    def tell_in_loop(self, task: Task[Any]) -> None:
        """In the loop's thread."""

    def cancel_in_loop(self, task: Task[Any]) -> None:
        """In the loop's thread."""
