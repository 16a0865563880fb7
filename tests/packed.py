"""Zstandard of the standard library, or what stands in for it before Python 3.14."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd
