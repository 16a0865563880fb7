"""Better than naive, or luck: evidence, decision, sentence."""
