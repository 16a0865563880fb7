"""The tutorial's network, for comparison."""
