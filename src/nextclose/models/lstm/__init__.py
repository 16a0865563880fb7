"""The universal network: taught beforehand, forecasting in NumPy."""
