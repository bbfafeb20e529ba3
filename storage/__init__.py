"""What is remembered: the one transaction, and reads for everyone else."""
