"""Exchanges, and the sessions they trade."""
