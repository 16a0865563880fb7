"""Past and future are separated here, and only here."""
