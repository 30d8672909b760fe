"""The command `lianheng`; the version is answered before anything is imported."""

import sys


def main() -> int:
    """Runs the command line; gives the exit code: 0 done, 1 refused or failed, 2 wrong usage."""
    if sys.argv[1:] == ["--version"]:
        from lianheng import __version__

        print(f"lianheng {__version__}")  # noqa: T201 - its whole work
        return 0
    from lianheng.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
