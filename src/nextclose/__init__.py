"""nextclose: forecasts of the next close, built only from what was knowable, and told honestly."""
