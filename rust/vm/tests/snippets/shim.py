import sys
from dataclasses import dataclass, replace
from enum import Enum


class Rejected(Exception):
    def __init__(self, code, message=""):
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self):
        return f"{self.code}: {self.message}" if self.message else self.code


def require(condition, code, message=""):
    if not condition:
        raise Rejected(code, message)


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 0

    def total(self):
        return self.x + self.y

    def replace(self, **changes):
        return replace(self, **changes)


class Color(Enum):
    RED = "red"
    BLUE = "blue"


def _run(inner):
    try:
        text = repr(inner())
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
    sys.stdout.write(text + "\x1e")
