"""What happened: validated daily bars and where they come from."""
