"""Learning which style channels carry which attribute: faces measured once, first masks, and what they are worth."""
