from collections.abc import Coroutine, Generator
from typing import Any, final

from typing_extensions import disjoint_base
from werkzeug.exceptions import HTTPException

@disjoint_base
class Exchange(Coroutine[Any, Any, Any]):
    """One call of an application: its coroutine, and its `receive` and `send`.  A coroutine itself, for the server's task."""

    connection: Any

    def __call__(self, message: dict[str, Any]) -> Coroutine[Any, Any, None]:
        """Be the application's `send`."""

    def receive(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Be the application's `receive`."""

    async def receive_more(self) -> dict[str, Any]: ...
    def refuse(self, error: HTTPException) -> None:
        """The request's body cannot be taken: answer that, whatever the application says from now on."""

    async def wait_for_room(self) -> None: ...
    def begin_flow(self, discards: bool) -> None:
        """In the loop's thread: send what was kept."""

    def go_on(self, _: None) -> None:
        """In the loop's thread: let the application send its next piece."""

    def on_gone(self, _: None) -> None:
        """In the loop's thread: whoever waits is told."""

    def lose(self) -> None:
        """Nobody takes the rest."""

    def start(self, iterable: object) -> None:
        """In a turn: the head is out; None: it is all there is."""

    def resume(self) -> None:
        """The connection wants more."""

    def cancel(self) -> None:
        """The peer is gone."""

    def __await__(self) -> Generator[Any, Any, Any]: ...
    def __next__(self) -> Any: ...
    def send(self, value: Any) -> Any: ...
    def throw(self, *error: Any) -> Any: ...
    def close(self) -> None: ...
    @property
    def cr_frame(self) -> Any:
        """Where the application stands."""

@final
class Ready(Coroutine[Any, Any, Any]):
    """What `await` gives at once."""

    def __await__(self) -> Generator[Any, Any, Any]: ...
    def __next__(self) -> Any: ...
    def send(self, value: Any) -> Any: ...
    def throw(self, *error: Any) -> Any: ...
    def close(self) -> None: ...

@final
class Flow:
    """Stands for the body that an exchange writes piece by piece: nobody iterates over it."""

    def __aiter__(self) -> Flow: ...
