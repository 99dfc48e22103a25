"""What every training shares: the loop, its clock and checkpoints, random numbers, processes, reports."""
