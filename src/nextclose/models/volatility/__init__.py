"""Volatility models: HAR and GJR-GARCH-t."""
