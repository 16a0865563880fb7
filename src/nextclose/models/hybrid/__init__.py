"""Members combined as earlier forecasts taught, with calibrated tails."""
