"""Which processor a network runs on, and the same bits every time if that is a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nextclose.config import Device


@contextmanager
def same_bits() -> Iterator[None]:
    """On a GPU: deterministic kernels, no search for faster ones, full float32 products."""
    flags = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    with flags:
        yield


def best_device() -> Device:
    """`cuda` where torch finds a GPU, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"
