"""Rules to endpoint names and endpoint names to URLs.  Knows strings only."""

from werkzeug.routing import (
    AnyConverter,
    BaseConverter,
    BuildError,
    EndpointPrefix,
    FloatConverter,
    IntegerConverter,
    NoMatch,
    PathConverter,
    RequestAliasRedirect,
    RequestPath,
    RequestRedirect,
    RoutingException,
    RuleFactory,
    RuleTemplate,
    Subdomain,
    Submount,
    UnicodeConverter,
    UUIDConverter,
    ValidationError,
    WebsocketMismatch,
)

from kolben.routing.adapter import MapAdapter
from kolben.routing.map import Map, Rule

__all__ = [
    "AnyConverter",
    "BaseConverter",
    "BuildError",
    "EndpointPrefix",
    "FloatConverter",
    "IntegerConverter",
    "Map",
    "MapAdapter",
    "NoMatch",
    "PathConverter",
    "RequestAliasRedirect",
    "RequestPath",
    "RequestRedirect",
    "RoutingException",
    "Rule",
    "RuleFactory",
    "RuleTemplate",
    "Subdomain",
    "Submount",
    "UUIDConverter",
    "UnicodeConverter",
    "ValidationError",
    "WebsocketMismatch",
]
