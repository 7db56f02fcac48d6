"""A sweep on a cluster: its list of models, what each needs, what is submitted to SLURM, what tasks recorded."""
