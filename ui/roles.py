"""The role check inside every handler of every page. A Gradio event is a public address, by its name and by its number."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from functools import wraps
from typing import Any, TypeVar, cast

import gradio as gr

from ui.accounts import RANK, Role, User

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def allowed(role: Role) -> Callable[[_Handler], _Handler]:
    """Let a method run only for who has `role` or more. It takes `request: gr.Request`, and is marked with its role."""

    def decorate(handler: _Handler) -> _Handler:
        signature = inspect.signature(handler)
        if "request" not in signature.parameters:
            raise TypeError(f"{handler.__qualname__} takes no request, so it cannot know who asks")

        def check(*args: Any, **kwargs: Any) -> None:
            request = signature.bind(*args, **kwargs).arguments["request"]
            customer_of(request) if role == "customer" else user_of(request, role)

        @wraps(handler)
        def once(*args: Any, **kwargs: Any) -> Any:
            check(*args, **kwargs)
            return handler(*args, **kwargs)

        @wraps(handler)
        def pieces(*args: Any, **kwargs: Any) -> Iterator[Any]:
            check(*args, **kwargs)
            yield from handler(*args, **kwargs)

        @wraps(handler)
        async def awaited(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            check(*args, **kwargs)
            async with aclosing(handler(*args, **kwargs)) as made:
                async for piece in made:
                    yield piece

        guarded: Any = awaited if inspect.isasyncgenfunction(handler) else pieces if inspect.isgeneratorfunction(handler) else once
        guarded.role = role
        return cast("_Handler", guarded)

    return decorate


def user_of(request: gr.Request, role: Role) -> User:
    """Who is signed in. Raises `PermissionError` for nobody, and for a role below `role`."""
    user = getattr(request.request.state, "user", None)
    if not isinstance(user, User) or user.must_change or user.disabled:
        raise PermissionError("nobody is signed in")
    if RANK[user.role] < RANK[role]:
        raise PermissionError(f"this takes the role {role}; {user.name} is {user.role}")
    return user


def customer_of(request: gr.Request) -> str:
    """The visitor's id. Raises `PermissionError` where no middleware has said it."""
    customer = getattr(request.request.state, "customer", None)
    if not isinstance(customer, str) or not customer:
        raise PermissionError("the request carries no customer; mount the page behind the middleware that signs the cookie")
    return customer
