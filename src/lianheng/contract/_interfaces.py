"""Other contracts as a contract sees them: what it expects of them, and calls of their methods."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lianheng.contract._types import Type, resolve

if TYPE_CHECKING:
    # Type checkers take methods whose body is `...` in protocols only.
    from typing import Protocol as Interface
else:

    class Interface:
        """Base of a class that declares methods of another contract: `@call` or `@view`, no code.

        Each method has the types of its arguments and of its result, and the body `...`.
        """


__all__ = ["Bound", "Caller", "Expected", "Interface", "Use", "Uses"]

_Interface = TypeVar("_Interface")


@dataclass(frozen=True)
class Expected:
    """A method as an interface declares it."""

    name: str
    view: bool
    signature: inspect.Signature
    types: Mapping[str, Type]
    returns: Type


class Caller(Protocol):
    """What a bound contract needs of its host."""

    def call_contract(self, use: "Use", expected: Expected, arguments: Mapping[str, Any]) -> Any:
        """Run a method of another contract; what it refuses, refuses the transaction."""


class Use:
    """Another contract that a contract uses: its name, and the interface that it must offer."""

    def __init__(self, interface: type, contract: str, source: str | None) -> None:
        """Declared by `Uses`."""
        self.interface = interface
        self.contract = contract
        self.source = source
        self._expected: dict[str, Expected] = {}

    def expected(self, name: str) -> Expected:
        """A method of the interface. AttributeError where it declares none of this name."""
        known = self._expected.get(name)
        if known is None:
            known = self._expected[name] = self._find(name)
        return known

    def bound(self, host: Caller) -> "Bound":
        """The other contract, as one call sees it (for hosts, not for contracts)."""
        return Bound(self, host)

    def __getattr__(self, name: str) -> Any:
        """Refuse: the class attribute itself reaches no ledger."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise RuntimeError("this contract has no ledger: call it through the `ledger` fixture")

    def _find(self, name: str) -> Expected:
        method = getattr(self.interface, name, None)
        declared = getattr(method, "_lianheng", None)
        if method is None or declared is None:
            raise AttributeError(f"the interface {self.interface.__name__} has no method {name!r}")
        names = vars(inspect.getmodule(self.interface)) if method else {}
        signature = inspect.signature(method)
        own = list(signature.parameters.values())[1:]
        return Expected(
            name=name,
            view=declared.kind == "view",
            signature=signature.replace(parameters=own),
            types={parameter.name: resolve(parameter.annotation, names) for parameter in own},
            returns=resolve(signature.return_annotation, names),
        )


class Bound:
    """A used contract while a call runs: its methods are calls of the other contract."""

    def __init__(self, use: Use, host: Caller) -> None:
        """Made by `Use.bound`."""
        self._use = use
        self._host = host

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A method of the other contract. A wrong type is a TypeError before anything is called."""
        expected = self._use.expected(name)

        def invoke(*values: Any, **named: Any) -> Any:
            bound = expected.signature.bind(*values, **named)
            bound.apply_defaults()
            for argument, value in bound.arguments.items():
                kind = expected.types[argument]
                if not kind.conforms(value):
                    where = f"{self._use.interface.__name__}.{name}() argument '{argument}'"
                    raise TypeError(f"{where} must be {kind}, not {type(value).__name__}")
            return self._host.call_contract(self._use, expected, bound.arguments)

        return invoke


def Uses(  # noqa: N802 - it stands for another contract, as a class would
    interface: Callable[..., _Interface], *, contract: str, source: str | None = None
) -> _Interface:
    """Bind an attribute of a contract to another contract, deployed under the name `contract`.

    With `source`, the hash of a source in 64 hexadecimal digits, to that source alone: a call of
    another one is refused with `code.mismatch`. The methods of the interface are called on the
    attribute: `self.stock.put(...)`.
    """
    return Use(interface, contract, source)  # type: ignore[return-value,arg-type]
