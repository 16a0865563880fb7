"""The mean of its members, as wide as past forecasts ask for."""
