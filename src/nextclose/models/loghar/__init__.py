"""Log-linear HAR, with a prior from other stocks."""
