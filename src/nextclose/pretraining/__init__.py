"""Teaching the universal network: lessons of simulated markets and real stocks, and the course."""
