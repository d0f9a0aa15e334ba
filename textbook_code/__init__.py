"""The code of the book, twice: in NumPy with derivatives by hand, in JAX with derivatives by machine."""
