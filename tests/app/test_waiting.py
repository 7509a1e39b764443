"""Plain code waits for a coroutine."""

import asyncio
from contextvars import ContextVar

import pytest

from kolben.app.waiting import _waiting

variable = ContextVar("variable", default=0)


async def double(value):
    await asyncio.sleep(0)
    return value * 2


def test_the_result_comes_back():
    assert _waiting(double)(21) == 42


def test_an_error_comes_back():
    async def fail():
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        _waiting(fail)()


def test_context_variables_go_in_and_come_back():
    async def change():
        seen = variable.get()
        variable.set(seen + 1)
        return seen

    token = variable.set(5)
    assert _waiting(change)() == 5
    assert variable.get() == 6
    variable.reset(token)


def test_inside_of_a_running_loop_it_works_too():
    async def outer():
        return _waiting(double)(4)

    assert asyncio.run(outer()) == 8


def test_inside_of_a_running_loop_errors_come_back():
    async def fail():
        raise ValueError("inside")

    async def outer():
        _waiting(fail)()

    with pytest.raises(ValueError, match="inside"):
        asyncio.run(outer())


def test_asgiref_goes_first_where_it_is_installed():
    pytest.importorskip("asgiref")
    from kolben.app import App

    assert type(App(__name__).async_to_sync(double)).__module__ == "asgiref.sync"
