"""The command line: one file per command.

It reads arguments, asks a running node or the embedded ledger, and prints. It holds no rule of the
ledger. A call is printed only once it is final; a refusal names its rule and line; nothing ever
ends in a traceback (LIANHENG_DEBUG=1 shows it to developers). Exit codes: 0 done, 1 refused or
failed, 2 wrong usage.
"""
