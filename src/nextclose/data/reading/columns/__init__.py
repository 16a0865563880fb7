"""Which column is what: spellings, guesses, symbols side by side or below each other."""
