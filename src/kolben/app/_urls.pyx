"""url_for: from an endpoint's name to its URL, by the context that is current.

What an app has replaced is called (`inject_url_defaults`, `create_url_adapter`, `handle_url_build_error`, an adapter of another
class); what it has not is walked.  A request that came through our server gets its relative URLs without an adapter, whose making
would cost the environ: such a request has no script root, and every host is as good as another.

Order, as Flask's: the endpoint's full name, the defaults, the URL, the anchor.
"""

from urllib.parse import quote

from cpython.object cimport PyObject

from kolben.app._context cimport ContextBase
from kolben.app._current cimport app_context_alone, request_context as current_request_context
from kolben.app._version cimport Version
from kolben.http._request cimport RequestBase
from kolben.routing._adapter cimport NativeAdapter, join, without_none
from kolben.routing._build cimport Builder
from kolben.routing._quote cimport quote_fragment
from kolben.routing._tree cimport Tree

from werkzeug.routing import BuildError

from kolben.app.globals import current_app
from kolben.app.wrappers import Request
from kolben.routing.adapter import MapAdapter

cdef extern from "Python.h":
    PyObject *PyDict_GetItem(object mapping, object key)      # borrowed; NULL: not there

cdef str ANCHOR_SAFE = "%!#$&'()*+,/:;=?@"    # what WHATWG's URL standard leaves alone in a fragment


cdef class Links:

    def __init__(self, app not None, Version version not None, Tree tree, Builder builder, config not None):
        self._app = <void *>app
        self._version = version
        self._seen = version.number
        self._tree = tree
        self._builder = builder
        self._config = config
        if tree is not None:
            self._seen_map = tree.version

    cdef bint is_current(self, object app) except -1:
        return (
            self._app == <void *>app
            and self._seen == self._version.number
            and (self._tree is None or self._seen_map == self._tree.version)
        )


cdef Links links_of(object app):
    """Return an app's links; made again when something was registered, replaced or patched."""
    links = app._links
    if type(links) is not Links or not (<Links>links).is_current(app):
        links = app._make_links()
    return <Links?>links


def url_for(endpoint, *, _anchor=None, _method=None, _scheme=None, _external=None, **values):
    """Build the URL of an endpoint of the current app; see `App.url_for`."""
    cdef ContextBase context = app_context_alone()
    cdef ContextBase request_context = current_request_context()
    cdef Links links
    if context is None:
        context = request_context
    if context is not None:
        links = links_of(context.app)
        if links.url_for_is_ours:
            return _url_for(context.app, links, request_context, endpoint, values, _anchor, _method, _scheme, _external)
    return current_app.url_for(endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values)


def app_url_for(self, /, endpoint, *, _anchor=None, _method=None, _scheme=None, _external=None, **values):
    """Build the URL of an endpoint.

    Args:
        endpoint: With a dot in front, it is relative to the blueprint of the current request.
        _anchor: What comes after "#".
        _method: The method whose rule is meant.
        _scheme: Such as "https"; makes the URL external.
        _external: With scheme and host.  Always outside of a request, which needs SERVER_NAME.
        values: For the rule; what it does not take becomes the query string.
    """
    return _url_for(self, links_of(self), current_request_context(), endpoint, values, _anchor, _method, _scheme, _external)


cdef object _url_for(
    object app, Links links, ContextBase context, object endpoint, dict values,
    object anchor, object method, object scheme, object external,
):
    cdef object adapter = None
    cdef object url = None
    cdef bint without_adapter = False
    if context is None:
        adapter = app._adapter_outside_of_requests()
        if external is None:
            external = True
    else:
        without_adapter = not external and scheme is None and _needs_no_adapter(app, links, context)
        if not without_adapter:
            adapter = context.url_adapter
        if _is_relative(endpoint):
            endpoint = full_name(context._request, endpoint)
        if external is None:
            external = scheme is not None
    if scheme is not None and not external:
        raise ValueError("When specifying '_scheme', '_external' must be True.")
    if links.injects or type(endpoint) is not str:
        app.inject_url_defaults(endpoint, values)
    try:
        if without_adapter:
            url = _relative_url(links, <RequestBase>context._request, endpoint, values, method)
        if url is None:
            url = _build(context.url_adapter if without_adapter else adapter, endpoint, values, method, scheme, external)
    except BuildError as error:
        values.update(_anchor=anchor, _method=method, _scheme=scheme, _external=external)
        url, anchor = app.handle_url_build_error(error, endpoint, values), None
    return url if anchor is None else f"{url}#{_quote_anchor(anchor)}"


cdef object full_name(object request, object endpoint):
    """What a relative name stands for: that of the request's blueprint, and itself."""
    cdef str own
    cdef Py_ssize_t dot
    if type(request) is Request and type(endpoint) is str and (<RequestBase>request).url_rule is not None:
        rule_endpoint = (<RequestBase>request).url_rule.endpoint      # PERF: Request.blueprint, without a property that asks another
        if type(rule_endpoint) is str:
            own = <str>rule_endpoint
            dot = own.rfind(".")
            return own[:dot] + <str>endpoint if dot > 0 else (<str>endpoint).removeprefix(".")
    return f"{request.blueprint or ''}{endpoint}".removeprefix(".")


cdef bint _is_relative(object endpoint) except -1:
    """Whether the name begins with the dot that stands for the current blueprint."""
    if type(endpoint) is str:
        return len(<str>endpoint) != 0 and (<str>endpoint)[0] == "."
    return endpoint[:1] == "."


cdef bint _needs_no_adapter(object app, Links links, ContextBase context) except -1:
    """Whether a relative URL's adapter would say nothing that is not known: for a request from our server, while nobody made one."""
    cdef RequestBase request
    cdef PyObject *trusted
    if links.domain is None or context.adapter_made or context.app is not app or not isinstance(context._request, RequestBase):
        return False
    request = <RequestBase>context._request
    if request.head is None or request._environ is not None:
        return False
    trusted = PyDict_GetItem(links._config, "TRUSTED_HOSTS")
    return trusted == <PyObject *>None


cdef str _relative_url(Links links, RequestBase request, object endpoint, dict values, object method):
    """Build without an adapter; None if that needs one: no rule takes the values, or it is another domain's, or a WebSocket's."""
    cdef tuple parts = links._builder.build_parts(endpoint, without_none(values), method, request.method_text(), True, None)
    if parts is None or parts[2] or parts[0] != links.domain:
        return None
    return join("", <str>parts[1])


cdef object _quote_anchor(object anchor):
    return quote_fragment(<str>anchor) if type(anchor) is str else quote(anchor, safe=ANCHOR_SAFE)


cdef object _build(object adapter, object endpoint, dict values, object method, object scheme, object external):
    if type(adapter) is MapAdapter:
        return (<NativeAdapter>adapter).make_url(endpoint, without_none(values), method, external, True, scheme)
    return adapter.build(endpoint, values, method=method, url_scheme=scheme, force_external=external)


app_url_for.__name__ = "url_for"
app_url_for.__qualname__ = "App.url_for"
