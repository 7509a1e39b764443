from typing_extensions import disjoint_base

@disjoint_base
class Version:
    """Shared by an app and its registries: rises whenever one of them changes."""

    number: int

    def bump(self) -> None:
        """Something changed."""
