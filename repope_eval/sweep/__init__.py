"""How far the runs of a sweep are, by what they leave on the disk and what SLURM says of them."""
