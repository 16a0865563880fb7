"""What each forecast cost, models side by side."""
