"""Whoever caches what registries hold compares one number."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolben.app import App, Blueprint
from kolben.app.registries import TrackedDict, TrackedList, Version, error_handlers, hooks


def note():
    pass


CHANGES = {
    "append": lambda app: app.before_request_funcs.setdefault(None, []).append(note),
    "append to a new key": lambda app: app.after_request_funcs["admin"].append(note),
    "insert": lambda app: app.teardown_request_funcs[None].insert(0, note),
    "extend": lambda app: app.before_request_funcs[None].extend([note]),
    "add in place": lambda app: app.before_request_funcs[None].__iadd__([note]),
    "assign a plain list": lambda app: app.before_request_funcs.__setitem__(None, [note]),
    "add to an assigned list": lambda app: (app.before_request_funcs.update({None: []}), app.before_request_funcs[None].append(note)),
    "view": lambda app: app.view_functions.__setitem__("a", note),
    "view by update": lambda app: app.view_functions.update(a=note),
    "view by union": lambda app: app.view_functions.__ior__({"a": note}),
    "error handler": lambda app: app.error_handler_spec[None][404].__setitem__(KeyError, note),
    "error handlers of a blueprint": lambda app: app.error_handler_spec.__setitem__("bp", {404: {KeyError: note}}),
    "in those": lambda app: (app.error_handler_spec.update(bp={404: {}}), app.error_handler_spec["bp"][404].update({KeyError: note})),
    "blueprint": lambda app: app.register_blueprint(Blueprint("bp", __name__)),
    "teardown of the context": lambda app: app.teardown_appcontext(note),
    "shell": lambda app: app.shell_context_processor(note),
    "build error handler": lambda app: app.url_build_error_handlers.append(note),
    "endpoint option": lambda app: app.add_url_rule("/x", "x", note, run="inline"),
    "attribute": lambda app: setattr(app, "handle_exception", note),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_counted(change):
    app = App(__name__)
    before = app._version
    change(app)
    assert app._version > before


def test_removing_is_counted_as_well():
    app = App(__name__)
    app.before_request(note)
    app.view_functions["a"] = note
    app.custom = 1
    for remove in (
        lambda: app.before_request_funcs[None].remove(note),
        lambda: app.view_functions.pop("a"),
        app.before_request_funcs.clear,
        lambda: delattr(app, "custom"),
    ):
        before = app._version
        remove()
        assert app._version > before


def test_looking_is_not_counted():
    app = App(__name__)
    before = app._version
    _ = app.before_request_funcs[None], app.error_handler_spec["bp"][404], app.view_functions.get("a"), list(app.blueprints)
    assert app._version == before


def test_answering_is_not_counted():
    app = App(__name__)
    app.add_url_rule("/", "index", lambda: "")
    client = app.test_client()
    client.get("/")
    before = app._version
    client.get("/")
    client.get("/missing")
    assert app._version == before


@pytest.mark.parametrize("patched", [App, type("Mine", (App,), {})], ids=["App", "subclass"])
def test_patching_a_class_is_counted_by_every_app(monkeypatch, patched):
    app = type("Other", (patched,), {})(__name__)
    before = app._version
    monkeypatch.setattr(patched, "handle_exception", lambda self, e: None)
    between = app._version
    assert between > before
    monkeypatch.undo()
    assert app._version > between


def test_a_change_of_one_app_is_not_counted_by_another():
    one, other = App(__name__), App(__name__)
    before = other._version
    one.before_request(note)
    assert other._version == before


def test_copies_are_plain():
    registry = hooks(Version())
    registry[None].append(1)
    assert type(copy.copy(registry)) is dict
    assert type(copy.deepcopy(registry[None])) is list


def test_a_missing_key_of_a_plain_registry_is_a_key_error():
    with pytest.raises(KeyError):
        TrackedDict(Version())["missing"]


LIST_CALLS = st.sampled_from([
    ("append", (1,)), ("extend", ([2, 3],)), ("insert", (0, 4)), ("pop", ()), ("remove", (1,)), ("clear", ()), ("reverse", ()),
    ("sort", ()), ("__setitem__", (0, 9)), ("__delitem__", (0,)), ("__iadd__", ([5],)), ("__imul__", (2,)),
])  # fmt: skip


@given(st.lists(LIST_CALLS, max_size=12))
def test_a_tracked_list_behaves_as_a_list(calls):
    tracked, plain = TrackedList(Version(), [1, 2]), [1, 2]
    for name, args in calls:
        before = tracked._version.number
        outcomes = []
        for target in (tracked, plain):
            try:
                outcomes.append(getattr(target, name)(*args))
            except (IndexError, ValueError) as error:
                outcomes.append(type(error))
        assert outcomes[0] == outcomes[1]
        assert tracked == plain
        assert tracked._version.number > before


def test_error_handlers_are_three_levels_deep():
    registry = error_handlers(Version())
    registry["bp"][None][ValueError] = note
    assert registry == {"bp": {None: {ValueError: note}}}
