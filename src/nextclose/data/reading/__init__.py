"""Foreign text and types brought to our columns."""
