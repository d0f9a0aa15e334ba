"""The JAX half: names and signatures of the NumPy half; the derivatives come from ``jax.vjp``."""
