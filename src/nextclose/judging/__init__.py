"""Forecasts of anybody: read, placed on sessions, and looked at for what goes wrong most often."""
