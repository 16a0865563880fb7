"""A frozen model meets new bars."""
