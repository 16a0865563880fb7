"""The pooled LSTM."""
