"""An independent maker of chains, for tests and vectors: shares no code with product or verifier.

It builds every format of docs/protocol from plain values, the plain way, and can be told to make a
part wrong. Keys come from SHA-256 of a name, so that what it makes is the same everywhere.
"""
