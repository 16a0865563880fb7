"""[I/O] Prices downloaded and kept, every revision of them."""
