"""The longer experiments of the chapters, one module a chapter: small pure functions over the NumPy half."""
