"""Switches: as context and decorator, nested, after exceptions, per thread and per context."""

import asyncio
import threading

import pytest

import tinygrad_lite as tg


def recorded() -> bool:
    return (tg.tensor(1.0, requires_grad=True) * 2).requires_grad


def test_no_grad_as_a_context():
    with tg.no_grad():
        assert not recorded()
        assert not tg.is_grad_enabled()
    assert recorded()


def test_no_grad_as_a_decorator_with_and_without_parentheses():
    @tg.no_grad()
    def first():
        return recorded()

    @tg.no_grad
    def second():
        return recorded()

    assert [first(), second(), first(), recorded()] == [False, False, False, True]


def test_enable_grad_inside_no_grad():
    with tg.no_grad():
        with tg.enable_grad():
            assert recorded()
        assert not recorded()


def test_restored_after_an_exception():
    with pytest.raises(ZeroDivisionError), tg.no_grad():
        raise ZeroDivisionError
    assert recorded()


def test_a_decorated_function_may_call_itself():
    @tg.no_grad()
    def depth(n):
        return recorded() if n == 0 else depth(n - 1)

    assert depth(5) is False
    assert recorded()


def test_each_thread_has_its_own():
    inside, results = threading.Event(), {}
    go_on = threading.Event()

    def quiet():
        with tg.no_grad():
            inside.set()
            go_on.wait(10)
            results["quiet"] = recorded()

    thread = threading.Thread(target=quiet)
    thread.start()
    assert inside.wait(10)
    results["main"] = recorded()
    go_on.set()
    thread.join()
    assert results == {"quiet": False, "main": True}


def test_each_task_has_its_own():
    async def quiet(other):
        with tg.no_grad():
            await other.wait()
            return recorded()

    async def main():
        event = asyncio.Event()
        task = asyncio.create_task(quiet(event))
        await asyncio.sleep(0)
        here = recorded()
        event.set()
        return here, await task

    assert asyncio.run(main()) == (True, False)


def test_a_decorated_generator_switches_inside_and_not_outside():
    @tg.no_grad()
    def numbers():
        got = yield recorded()
        with pytest.raises(KeyError):
            yield (got, recorded())
        return recorded()

    def outer():
        result = yield from numbers()
        yield result

    steps = outer()
    assert next(steps) is False
    assert recorded()
    assert steps.send("sent") == ("sent", False)
    assert recorded()
    assert steps.throw(KeyError()) is False
    assert recorded()


def test_a_decorated_coroutine():
    @tg.no_grad()
    async def quiet():
        await asyncio.sleep(0)
        return recorded()

    async def main():
        return await asyncio.gather(quiet(), asyncio.sleep(0, recorded()))

    assert asyncio.run(main()) == [False, True]


def test_one_switch_can_be_entered_again():
    switch = tg.no_grad()
    for _ in range(2):
        with switch:
            assert not recorded()
            with switch:
                assert not recorded()
            assert not recorded()
        assert recorded()


def test_classes_are_not_decorated():
    with pytest.raises(TypeError, match="not the class Model"):

        @tg.no_grad()
        class Model:
            pass
