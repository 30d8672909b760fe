"""No path, user or host of the machine on which something was written, and no private key."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from urllib.parse import urlparse

from tools.setup import ROOT

HOSTS = r"(?:files\.)?(?:pypi|pythonhosted|crates|npmjs)\.(?:org|io|com)(?![\w.-]*-index)"
PATTERNS = {
    "a home folder": re.compile(r"(?<![\w./-])/(?:home|Users)/[a-z][\w.-]*/|(?<![\w./-])/roo[t]/"),
    "a registry's host": re.compile(rf"\b{HOSTS}", re.ASCII),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\n[A-Za-z0-9+/]{16}"),
}
ALLOWED = {"Cargo.lock", "LICENSE"}
SHORTEST_NAME = 5  # shorter host names are words


def complaints(files: list[Path]) -> list[str]:
    """One line per place that tells about a machine."""
    found: list[str] = []
    local = local_names()
    for file in files:
        name = str(file.relative_to(ROOT))
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if name in ALLOWED:
            continue
        for what, pattern in PATTERNS.items():
            found += [f"{name}:{line_of(text, m.start())}: {what}" for m in pattern.finditer(text)]
        found += [
            f"{name}:{line_of(text, text.index(word))}: {what}"
            for what, word in local.items()
            if word in text
        ]
    return found


def local_names() -> dict[str, str]:
    """What this machine is called and where the checkout lies on it."""
    names = {
        "the path of the checkout": f"{ROOT}/",
        "the name of this machine": socket.gethostname(),
    }
    for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL"):
        host = urlparse(os.environ.get(variable, "")).hostname
        if host:
            names[f"the host of {variable}"] = host
    home = str(Path.home())
    if len(home) > SHORTEST_NAME:
        names["the home folder"] = f"{home}/"
    return {what: word for what, word in names.items() if len(word) >= SHORTEST_NAME}


def line_of(text: str, position: int) -> int:
    """The line, from 1, in which this position lies."""
    return text.count("\n", 0, position) + 1
