"""Bounds on what the reader takes from a file, each with its unit and reason."""

BYTES_OF_FILE = 16 * 1024 * 1024
"""Bytes: invoices carry PDF attachments as base64; 16 MiB is far above the largest seen (0.4)."""

DEPTH_OF_XML = 40
"""Nested elements: the standards need 8, and 2 more for each level of sub-lines."""

ELEMENTS_OF_XML = 500_000
"""Elements of one file: an invoice of 10,000 lines has fewer than 400,000."""

DIGITS_OF_AMOUNT = 18
"""Digits of one amount: a larger sum is a mistake or an attack."""

DECIMALS_OF_QUANTITY = 12
"""Digits behind the point of a price, rate or quantity."""

CHARACTERS_OF_VALUE = 1_024
"""Characters of an identifier, number or name that the reader keeps."""

FILES_OF_FOLDER = 10_000
"""Files that one call of `read_folder` looks at."""
