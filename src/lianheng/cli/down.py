"""`lianheng down`: stop the node of this home cleanly."""

from lianheng.cli._options import Home, Json


def down(home: Home = None, json: Json = False) -> None:
    """Stop the running node; it finishes its block first."""
    from lianheng import node
    from lianheng.cli._print import console, emit
    from lianheng.cli._session import find_home

    stopped = node.stop(find_home(home).path)
    if json:
        emit({"stopped": stopped})
        return
    console().print("stopped" if stopped else "no node was running")
