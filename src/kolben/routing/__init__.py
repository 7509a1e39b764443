"""Rules to endpoint names and endpoint names to URLs.  Knows strings only."""

from werkzeug.routing import Map as Map
from werkzeug.routing import Rule as Rule
