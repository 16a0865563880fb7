"""Tests run on one thread a process, whoever started the process: see `tests/conftest.py`."""

import numpy as np
import polars as pl
from threadpoolctl import threadpool_info


def test_this_process_computes_on_one_thread():
    import torch

    np.ones((2, 2)) @ np.ones((2, 2))
    assert pl.thread_pool_size() == torch.get_num_threads() == 1
    assert {pool["num_threads"] for pool in threadpool_info()} == {1}
