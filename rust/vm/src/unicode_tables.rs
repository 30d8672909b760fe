//! Tables of Unicode 14.0, the version of CPython 3.11; tools/make_unicode.py writes them.

include!("unicode_tables.inc");
