"""How a ceremony's file is refused: always by name, never with a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from lianheng.model import InvalidValue, LianhengError

AGAIN = "take the file again from who sent it, or from another organisation; do not sign it"


def malformed(what: str, why: str) -> InvalidValue:
    """The error for bytes that are not what they should be."""
    return InvalidValue("ceremony.malformed", f"{what} cannot be read: {why}", AGAIN)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn whatever goes wrong while foreign bytes are taken apart into one sentence."""
    try:
        yield
    except LianhengError as failure:
        if failure.code.startswith("ceremony."):
            raise
        raise malformed(what, failure.message) from failure
    except (KeyError, IndexError) as failure:
        raise malformed(what, f"{str(failure)[:80]} is missing") from failure
    except (TypeError, ValueError, AttributeError, ArithmeticError) as failure:
        raise malformed(what, f"a field is of another type: {str(failure)[:80]}") from failure
