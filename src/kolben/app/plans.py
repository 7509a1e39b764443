"""Makes plans: decides what of an app is as Kolben made it, and may be walked natively, and what is somebody's own."""

from __future__ import annotations

from functools import partial, update_wrapper
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from werkzeug.utils import get_content_type
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from kolben.app import general, signals
from kolben.app._handler import AppHandler
from kolben.app._plan import AppPlan, GeneralPlan
from kolben.app.awaited import Awaited
from kolben.app.contexts import AppContext, AppGlobals
from kolben.app.json.provider import DefaultJSONProvider
from kolben.app.measured import MeasuredHooks
from kolben.app.signatures import ViewArgumentsError, explain_call
from kolben.app.views import is_partly_async, task_of
from kolben.app.wrappers import SENDING, Request
from kolben.http import Mode
from kolben.interop._hosting import WSGIPlan
from kolben.routing import Map
from kolben.sessions import SecureCookieSessionInterface
from kolben.sessions.interface import METHODS as SESSION_METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kolben.app.app import App
    from kolben.http import Handler, Plan
    from kolben.http._json import Encoder
    from kolben.http.plan import Route

__all__ = ["make_handler"]

# What an AppPlan does itself instead of calling it.  One of these replaced on the class or the instance: the general path.
WALKED = (
    "full_dispatch_request",
    "preprocess_request",
    "dispatch_request",
    "ensure_sync",
    "async_to_sync",
    "finalize_request",
    "process_response",
    "make_response",
    "do_teardown_request",
    "do_teardown_appcontext",
    "create_url_adapter",
    "app_context",
    "raise_routing_exception",
)
SIGNALS = (
    signals.appcontext_pushed,
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.appcontext_tearing_down,
    signals.appcontext_popped,
)


def make_handler(app: App) -> Handler:
    """Return what the server asks for the plan of a request."""
    handler = AppHandler(app, PlanCompiler(app))
    handler.lifespan = app._lifespan
    handler.routes = partial(list_routes, app)
    return handler


def list_routes(app: App) -> list[Route]:
    """Return what is known of the app's rules; whoever never asks does not load what knows."""
    from kolben.app.routes import routes_of

    return routes_of(app)


class PlanCompiler:
    """Looks at one app; keeps nothing."""

    def __init__(self, app: App) -> None:
        self.app = app

    # -- What is the app's own, and what was replaced

    def is_replaced(self, *names: str) -> bool:
        """Tell whether the instance, its class, or a subclass of ours has another method than Kolben's under one of the names."""
        from kolben.app.app import METHODS, App

        cls = type(self.app)
        return any(name in self.app.__dict__ or getattr(cls, name) is not METHODS[name] for name in names) or not isinstance(self.app, App)

    def answers_by_environ(self) -> bool:
        """Tell whether contexts and requests must be made from an environ."""
        return self.is_replaced("request_context") or not is_native(self.app.request_class)

    def request_class(self) -> type[Any]:
        """Return the class whose objects the server makes without a constructor."""
        return self.app.request_class if is_native(self.app.request_class) else Request

    def tree(self) -> Any:
        """Return what matches natively; None if this app's requests are matched in the general path."""
        url_map = self.app.url_map
        if self.is_replaced("create_url_adapter") or self.answers_by_environ():
            return None
        if type(url_map) is not Map or url_map.host_matching or self.app.subdomain_matching:
            return None
        return url_map._tree

    def has_plain_context(self) -> bool:
        """Tell whether nothing of the user's runs when a context of the app is made, pushed or popped, if nobody listens to signals."""
        return not (self.app.teardown_appcontext_funcs or self.is_replaced("app_context", "do_teardown_appcontext", "create_url_adapter"))

    def globals_class(self) -> type[Any] | None:
        """Return the class of `g`, if its objects may be made without a constructor."""
        cls = self.app.app_ctx_globals_class
        return cls if cls.__init__ is object.__init__ and cls.__new__ in {object.__new__, AppGlobals.__new__} else None

    # -- Plans

    def wrapped_plan(self) -> Plan | None:
        """Return the plan that calls the app as WSGI, where somebody replaced what such a call means."""
        return WSGIPlan(self.app) if self.is_replaced("wsgi_app", "__call__") else None

    def general_plan(self) -> Plan:
        """Return the plan of a request that has no other."""
        app = self.app
        answer = general.answer_by_environ if self.answers_by_environ() else general.answer
        return GeneralPlan(app, answer, name=app.name)

    def unrouted_plan(self) -> Plan:
        """Return the plan of 404, 405 and redirects: inline if nothing of the user's runs for them."""
        app = self.app
        bare = not (
            any(app.before_request_funcs.values())
            or any(app.after_request_funcs.values())
            or any(app.teardown_request_funcs.values())
            or app.teardown_appcontext_funcs
            or any(app.error_handler_spec.values())
            or any(app.url_value_preprocessors.values())
            or self.is_extended()
            or self.opens_session()
        )
        plan = GeneralPlan(app, general.answer, name="no rule", mode=Mode.INLINE if bare else Mode.THREAD, needs_body=False)
        plan.pinned = bare
        return plan

    def is_extended(self) -> bool:
        """Tell whether a subclass, or the instance, has any method of its own."""
        from kolben.app.app import App

        above = type(self.app).__mro__
        own = [vars(cls) for cls in above[: above.index(App)]] if App in above else [{"__init__": object}]
        return any(callable(value) for names in (*own, self.app.__dict__) for name, value in names.items() if hasattr(App, name))

    def opens_session(self) -> bool:
        """Tell whether the session must be opened before the first hook, as Flask does; the signed cookie's can wait until it is used.

        Whoever made a class of their own, or replaced a method, may count on being called with every request.
        """
        interface = self.app.session_interface
        if type(interface) is not SecureCookieSessionInterface or any(map(callable, vars(interface).values())):
            return True
        return any(getattr(SecureCookieSessionInterface, name) is not method for name, method in SESSION_METHODS.items())

    def steps(self, endpoint: str | None) -> tuple[Any, ...]:
        """Return whatever of the user's runs in a plan: another one of equal steps is as fast.  None: the general plan."""
        app = self.app
        if endpoint is None:
            return (app.wsgi_app, app.full_dispatch_request)
        names = (None, *reversed(blueprints_of(endpoint)))
        registries = (app.url_value_preprocessors, app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
        hooks = [tuple(of(registry, names)) for registry in registries]
        return (app.view_functions.get(endpoint), *hooks, tuple(app.teardown_appcontext_funcs))

    def plan(self, endpoint: str) -> Plan:
        """Return the plan of an endpoint."""
        plan = self._plan(endpoint)
        options = self.app.endpoint_options.get(endpoint, {})
        plan.pinned = options.get("run") is not None or plan.streams_body or self.may_wait(endpoint)
        plan.ignores_disconnect = options.get("on_disconnect") == "ignore"
        if options.get("timeout") is not None:
            plan.timeout = options["timeout"]
        return plan

    def may_wait(self, endpoint: str) -> bool:
        """Tell whether an async function runs for an endpoint.

        If not as a task, then a thread waits for it: that is no short call, whatever was measured, and the loop's thread must not.
        """
        view = self.app.view_functions.get(endpoint)
        names = (None, *reversed(blueprints_of(endpoint)))
        return is_partly_async(view) or any(map(iscoroutinefunction, self.hooks_of(names)))

    def hooks_of(self, names: Sequence[str | None]) -> list[Callable[..., Any]]:
        """Return whatever may be called around the views of the app (None) and of blueprints."""
        app = self.app
        registries = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs, app.template_context_processors)
        by_class = [handlers for name in names for handlers in app.error_handler_spec.get(name, {}).values()]
        handlers = [handler for handlers in by_class for handler in handlers.values()]
        return [*(hook for registry in registries for hook in of(registry, names)), *app.teardown_appcontext_funcs, *handlers]

    def _plan(self, endpoint: str) -> Plan:
        app = self.app
        view = app.view_functions.get(endpoint)
        options = app.endpoint_options.get(endpoint, {})
        names = (None, *reversed(blueprints_of(endpoint)))
        task = task_of(view)
        as_task = task is not None and options.get("run") != "thread"
        mode = Mode.INLINE if options.get("run") == "inline" else Mode.THREAD
        if (
            view is None
            or self.is_replaced(*WALKED)
            or not self.is_plain_response_class()
            or (not as_task and self.has_hook_to_wait_for(names))
        ):
            whole = GeneralPlan(app, general.answer, name=endpoint, mode=mode)
            whole.streams_body = bool(options.get("stream"))
            return whole
        plan = AppPlan()
        plan.mode = Mode.TASK if as_task else mode
        plan.streams_body = bool(options.get("stream"))
        plan.name = plan.endpoint = endpoint
        plan.app = app
        plan.view, plan.sync_view = task or view, waiting(app, view)
        plan.sync_preprocessors = tuple(of(app.url_value_preprocessors, names))
        plan.sync_before = tuple(waiting(app, function) for function in of(app.before_request_funcs, names))
        after = [function for name in reversed(names) for function in reversed(app.after_request_funcs.get(name, ()))]
        plan.after = tuple(waiting(app, function) for function in after)
        plan.tears_down = bool(app.teardown_appcontext_funcs or any(app.teardown_request_funcs.get(name) for name in names))
        plan.plain = self.sends_as_ours()
        plan.closes = has_own_close(app.request_class)
        plan.context_class, plan.response_class = AppContext, app.response_class
        plan.globals_class = self.globals_class()
        plan.set_text_type(get_content_type(app.response_class.default_mimetype or "text/plain", "utf-8"))
        plan.encoder, plan.debug_encoder = self.encoders()
        plan.config = app.config
        plan.config_is_plain = type(app.config).__getitem__ is dict.__getitem__
        plan.session_interface, plan.opens_session = app.session_interface, self.opens_session()
        plan.receivers = tuple(signal.receivers for signal in SIGNALS)
        if as_task:
            self.prepare_to_wait(plan, names, after)
        plan.general, plan.explain = general.answer, explain
        return plan

    def prepare_to_wait(self, plan: AppPlan, names: Sequence[str | None], after: Iterable[Callable[..., Any]]) -> None:
        """Let a plan, whose view is a task, await async functions and not be stopped by plain ones."""
        app = self.app
        hooks = app.__dict__.setdefault("_measured_hooks", MeasuredHooks())
        plan.preprocessors = tuple(map(hooks.of, of(app.url_value_preprocessors, names)))
        plan.before = tuple(map(hooks.of, of(app.before_request_funcs, names)))
        plan.awaited = Awaited(
            app,
            hooks,
            after=after,
            teardown=(function for name in reversed(names) for function in reversed(app.teardown_request_funcs.get(name, ()))),
            own_errors=self.is_replaced("handle_user_exception", "handle_http_exception", "_find_error_handler"),
            own_session=plan.opens_session,
        )

    def has_hook_to_wait_for(self, names: Sequence[str | None]) -> bool:
        """Tell whether a hook is async where an AppPlan calls it as a plain function.  A task awaits them all."""
        app = self.app
        return any(map(iscoroutinefunction, (*of(app.before_request_funcs, names), *of(app.after_request_funcs, names))))

    def is_plain_response_class(self) -> bool:
        """Tell whether a response of the app's class may be made without its constructor."""
        cls = self.app.response_class
        names = ("__init__", "__new__", "set_data", "default_status", "automatically_set_content_length")
        return all(getattr(cls, name) == getattr(WerkzeugResponse, name) for name in names)

    def sends_as_ours(self) -> bool:
        """Tell whether the app's class of responses sends what Kolben's own does."""
        cls = self.app.response_class
        return all(getattr(cls, name) is method for name, method in SENDING.items())

    def encoders(self) -> tuple[Encoder | None, Encoder | None]:
        """Return native encoders as the app's JSON provider is set, without and with debug mode; None if it is somebody's own."""
        provider = self.app.json
        if not isinstance(provider, DefaultJSONProvider) or not provider.is_plain():
            return None, None
        return provider.encoder(debug=False), provider.encoder(debug=True)


def is_native(request_class: type[Any]) -> bool:
    """Tell whether requests of a class may be made without its constructor."""
    return issubclass(request_class, Request) and request_class.__init__ is WerkzeugRequest.__init__


def has_own_close(request_class: type[Any]) -> bool:
    """Tell whether requests of a class close more, or other files, than `has_uploads` says."""
    return request_class.close is not WerkzeugRequest.close or request_class._load_form_data is not Request._load_form_data


def blueprints_of(endpoint: str) -> list[str]:
    """Return the names of an endpoint's blueprints, innermost first."""
    from kolben.app.scaffold import _split_blueprint_path

    return _split_blueprint_path(endpoint.rpartition(".")[0]) if "." in endpoint else []


def of(registry: Any, names: Iterable[str | None]) -> list[Callable[..., Any]]:
    """Return the functions that a registry has under the names, in order."""
    return [function for name in names for function in registry.get(name, ())]


def waiting(app: App, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what waits for an async function; any other as it is."""
    if not iscoroutinefunction(function):
        return function

    def wait(*args: Any, **values: Any) -> Any:
        return app.ensure_sync(function)(*args, **values)

    return update_wrapper(wait, function)


def explain(error: TypeError, view: Any, rule: Any, view_args: Any) -> Exception | None:
    """Return what to raise instead of a TypeError of the call itself: the view does not take what the rule gives."""
    explained = explain_call(error, view, rule, view_args)
    return None if explained is None else ViewArgumentsError(explained)
