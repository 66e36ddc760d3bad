"""What programs read beside the pages: lists, archives, twins, a browser's Python.

In comes the built site with what it was made of; out go further files of it. Read
`material`, then `export`, which names all the others.
"""
