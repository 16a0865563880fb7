"""Models: fit(config, train, valid, seed) -> Fitted; Fitted.quantiles(samples, rows)."""
