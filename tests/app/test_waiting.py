"""Plain code waits for a coroutine."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from kolben import App
from kolben.app.waiting import _waiting

app = App("waiting", static_folder=None)
variable = ContextVar("variable", default=0)


async def double(value):
    await asyncio.sleep(0)
    return value * 2


def test_the_result_comes_back():
    assert _waiting(app, double)(21) == 42


def test_an_error_comes_back():
    async def fail():
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        _waiting(app, fail)()


def test_context_variables_go_in_and_come_back():
    async def change():
        seen = variable.get()
        variable.set(seen + 1)
        return seen

    token = variable.set(5)
    assert _waiting(app, change)() == 5
    assert variable.get() == 6
    variable.reset(token)


def test_inside_of_a_running_loop_it_works_too():
    async def outer():
        return _waiting(app, double)(4)

    assert asyncio.run(outer()) == 8


def test_inside_of_a_running_loop_errors_come_back():
    async def fail():
        raise ValueError("inside")

    async def outer():
        _waiting(app, fail)()

    with pytest.raises(ValueError, match="inside"):
        asyncio.run(outer())


def test_asgiref_goes_first_where_it_is_installed():
    pytest.importorskip("asgiref")
    assert type(app.async_to_sync(double)).__module__ == "asgiref.sync"


async def where():
    return asyncio.get_running_loop(), threading.get_ident()


def test_the_loop_that_serves_the_app_is_where_a_coroutine_runs():
    """What belongs to that loop, such as a pool of connections, works in it."""
    with app.run_lifespan():
        life = app._lifespan.present()
        assert app.async_to_sync(where)() == (life.loop, life.thread)
    assert app.async_to_sync(where)() != (life.loop, life.thread)


def test_context_variables_go_to_the_loop_that_serves_the_app_and_come_back():
    async def change():
        variable.set(variable.get() + 1)

    with app.run_lifespan():
        token = variable.set(5)
        app.async_to_sync(change)()
        assert variable.get() == 6
        variable.reset(token)


def test_an_error_comes_back_from_the_loop_that_serves_the_app():
    async def fail(error):
        raise error

    with app.run_lifespan():
        for kind in (ValueError, asyncio.CancelledError):
            with pytest.raises(kind):
                app.async_to_sync(fail)(kind("inside"))


def test_in_the_thread_of_the_loop_that_serves_the_app_there_is_a_loop_of_its_own():
    """To wait for that loop in its own thread would take for ever."""

    async def outer():
        await app._lifespan.startup()
        try:
            return asyncio.get_running_loop(), app.async_to_sync(where)()[0]
        finally:
            await app._lifespan.shutdown()

    here, there = asyncio.run(outer())
    assert there is not here
