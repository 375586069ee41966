"""`python -m broker.cli` is `broker`, wherever the script of that name is."""

from broker.cli import main

main(prog_name="broker")
