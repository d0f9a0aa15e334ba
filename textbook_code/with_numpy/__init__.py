"""The NumPy half: beside each ``f`` stands ``f_vjp``, its derivative by hand. Needs neither JAX nor SciPy."""
