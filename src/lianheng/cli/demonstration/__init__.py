"""What `lianheng demo` plays: real invoices in, one bank finances, an outsider verifies.

`stage` chooses the invoices and makes the chain, `play` makes the calls, `proof` exports the
receipts and runs the separate verifier on them. Nothing here is special to the demo: every call
is an ordinary signed call, and the verifier is the program that outsiders install.
"""
