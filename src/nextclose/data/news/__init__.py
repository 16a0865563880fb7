"""Headlines, and the session from which each may be used."""
