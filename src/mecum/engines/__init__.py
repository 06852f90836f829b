"""Embedded defaults behind the same seams as real servers. They know the ground floor and nobody else."""
