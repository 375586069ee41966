"""Rows and their queries, a file per aggregate: no query is written anywhere else."""
