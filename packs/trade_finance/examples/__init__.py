"""Invoices of our own making, and the small writer that made them (`make.py`)."""
