"""What was knowable at each close: causal feature columns."""
