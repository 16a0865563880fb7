"""Walk-forward: folds, fits, forecasts."""
