"""Configuration: a dict of upper-case keys, filled from files, objects and the environment."""

from __future__ import annotations

import errno
import json
import os
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, overload

from werkzeug.utils import import_string

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kolben.app.settings import Settings

__all__ = ["Config", "ConfigAttribute"]

T = TypeVar("T")
_ABSENT = (errno.ENOENT, errno.EISDIR)


class ConfigAttribute(Generic[T]):
    """An attribute of the app that stands in its config under another name."""

    def __init__(self, name: str, get_converter: Callable[[Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @overload
    def __get__(self, obj: None, owner: None) -> Self: ...

    @overload
    def __get__(self, obj: Settings, owner: type[Settings]) -> T: ...

    def __get__(self, obj: Settings | None, owner: type[Settings] | None = None) -> T | Self:
        if obj is None:
            return self
        value = obj.config[self.__name__]
        return cast("T", value) if self.get_converter is None else self.get_converter(value)

    def __set__(self, obj: Settings, value: Any) -> None:
        obj.config[self.__name__] = value


class Config(dict[str, Any]):
    """A dict that knows how to load itself.  Only keys in upper case are taken from files and objects.

    Args:
        root_path: Folder that file names are relative to.
        defaults: First content.
    """

    def __init__(self, root_path: str | os.PathLike[str], defaults: dict[str, Any] | None = None) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Load the Python file that an environment variable names."""
        filename = os.environ.get(variable_name)
        if filename:
            return self.from_pyfile(filename, silent=silent)
        if silent:
            return False
        raise RuntimeError(
            f"The environment variable {variable_name!r} is not set and as such configuration could not be loaded."
            " Set this variable and make it point to a configuration file"
        )

    def from_prefixed_env(self, prefix: str = "FLASK", *, loads: Callable[[str], Any] = json.loads) -> bool:
        """Load every environment variable that begins with `prefix_`; two underscores lead into nested dicts.

        Values are parsed with `loads`, and stay text where that fails.
        """
        prefix += "_"
        for variable in sorted(os.environ):
            if variable.startswith(prefix):
                self._set_path(variable.removeprefix(prefix), _parsed(os.environ[variable], loads))
        return True

    def _set_path(self, key: str, value: Any) -> None:
        if "__" not in key:
            self[key] = value  # not by the loop below: a subclass may override __setitem__
            return
        target: dict[str, Any] = self
        *parents, last = key.split("__")
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and take its upper-case names."""
        path = os.path.join(self.root_path, filename)
        module = ModuleType("config")
        module.__file__ = path
        source = self._read(path, lambda file: file.read(), "rb", silent, (*_ABSENT, errno.ENOTDIR))
        if source is None:
            return False
        exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102 - a configuration file is code
        self.from_object(module)
        return True

    def from_object(self, obj: object | str) -> None:
        """Take the upper-case attributes of an object, class or module, or of what an import path names."""
        if isinstance(obj, str):
            obj = import_string(obj)
        for key in dir(obj):
            if key.isupper():
                self[key] = getattr(obj, key)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[IO[Any]], Mapping[str, Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Take the mapping that `load` makes of a file, such as `json.load` or, with text=False, `tomllib.load`."""
        path = os.path.join(self.root_path, filename)
        content = self._read(path, load, "r" if text else "rb", silent, _ABSENT)
        return False if content is None else self.from_mapping(content)

    @staticmethod
    def _read(path: str, load: Callable[[IO[Any]], Any], mode: str, silent: bool, absent: tuple[int, ...]) -> Any:
        try:
            with open(path, mode) as file:
                return load(file)
        except OSError as error:
            if silent and error.errno in absent:
                return None
            error.strerror = f"Unable to load configuration file ({error.strerror})"
            raise

    def from_mapping(self, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> bool:
        """Take the upper-case keys of a mapping and of the keyword arguments."""
        for key, value in dict(mapping or (), **kwargs).items():
            if key.isupper():
                self[key] = value
        return True

    def get_namespace(self, namespace: str, lowercase: bool = True, trim_namespace: bool = True) -> dict[str, Any]:
        """Return the options whose names begin with `namespace`, ready to pass as keyword arguments."""
        cut = len(namespace) if trim_namespace else 0
        found = {key[cut:]: value for key, value in self.items() if key.startswith(namespace)}
        return {key.lower(): value for key, value in found.items()} if lowercase else found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict.__repr__(self)}>"


def _parsed(value: str, loads: Callable[[str], Any]) -> Any:
    try:
        return loads(value)
    except Exception:
        return value
