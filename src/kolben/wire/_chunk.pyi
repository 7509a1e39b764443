from typing import Self, final

from typing_extensions import Buffer

@final
class ChunkedBody:
    @property
    def overhead_limit(self) -> int: ...
    def __new__(cls, overhead_limit: int = ...) -> Self: ...
    def decode(self, data: Buffer) -> tuple[int, bytes, bool]: ...
