"""Simulated markets of known truth: what networks are taught with and models are tested on."""
