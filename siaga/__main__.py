"""`python -m siaga` is `siaga`."""

from siaga.cli import main

main()
