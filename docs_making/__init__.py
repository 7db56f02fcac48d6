"""Makes what of the documentation is written by the program itself, and checks the built site: not of the package."""
