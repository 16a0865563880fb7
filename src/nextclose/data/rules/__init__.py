"""The input catalogue: what is refused, repaired or marked, rule by rule."""
