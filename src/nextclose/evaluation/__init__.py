"""Were we better than naive, and is that luck."""
