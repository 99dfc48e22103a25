"""Learning the meta attribute masks: pictures measured once, then one edited picture a step; see train_masks.py."""
