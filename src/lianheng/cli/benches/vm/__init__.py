"""`bench vm`: what gas takes, eight small programs beside CPython, calls, and compiling."""
