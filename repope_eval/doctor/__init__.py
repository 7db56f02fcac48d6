"""What this machine has and lacks, and which models fit it."""
