"""Pictures and words, no statistics."""
