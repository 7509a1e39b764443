"""Types of option values: a certificate, a list of paths."""

from __future__ import annotations

from typing import Any

import click
from werkzeug.utils import import_string

__all__ = ["CertParamType", "SeparatedPathType", "validate_key"]


def _ssl(ctx: click.Context | None, param: click.Parameter | None) -> Any:
    try:
        import ssl
    except ImportError:
        raise click.BadParameter('Using "--cert" requires Python to be compiled with SSL support.', ctx, param) from None
    return ssl


class CertParamType(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.4
    """A certificate: a file, "adhoc", or the import path of an SSLContext."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        ssl = _ssl(ctx, param)
        try:
            return self.path_type(value, param, ctx)
        except click.BadParameter:
            text = click.STRING(value, param, ctx).lower()
            if text == "adhoc":
                try:
                    import cryptography  # type: ignore[import-not-found,unused-ignore]  # noqa: F401 - whether it is there
                except ImportError:
                    raise click.BadParameter("Using ad-hoc certificates requires the cryptography library.", ctx, param) from None
                return text
            found = import_string(text, silent=True)
            if isinstance(found, ssl.SSLContext):
                return found
            raise


def validate_key(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Put the key to its certificate; complain where one of them is missing or too many."""
    certificate = ctx.params.get("cert")
    complete = ""  # a certificate that needs no key
    if certificate == "adhoc":
        complete = '"adhoc"'
    elif _is_context(certificate):
        complete = "an SSLContext object"
    if value is None:
        if certificate and not complete:
            raise click.BadParameter('Required when using "--cert".', ctx, param)
        return None
    if complete:
        raise click.BadParameter(f'When "--cert" is {complete}, "--key" is not used.', ctx, param)
    if not certificate:
        raise click.BadParameter('"--cert" must also be specified.', ctx, param)
    ctx.params["cert"] = certificate, value
    return value


def _is_context(value: Any) -> bool:
    try:
        import ssl
    except ImportError:
        return False
    return isinstance(value, ssl.SSLContext)


class SeparatedPathType(click.Path):
    """Several paths, separated as in PATH."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        convert = super().convert
        return [convert(item, param, ctx) for item in self.split_envvar_value(value)]
