"""Tests that know how daily forecasts overlap."""
