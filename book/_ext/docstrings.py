"""How the docstrings of textbook_code are set in the code reference.

Their types are shapes, ``x : (N, D)``. By itself Sphinx would look for classes N and D, and set brackets
around the brackets. So napoleon writes plain text here, and a shape keeps one pair.
"""

import re

# **x** (*(N, D)*), as napoleon writes it, becomes **x** ``(N, D)``: a literal, in which "..." stays as it is.
DOUBLED = re.compile(r"\(\*(\(.*\))\*\)")


def single_brackets(app, what, name, obj, options, lines):
    lines[:] = [DOUBLED.sub(r"``\1``", line) for line in lines]


def plain_types(app, config):
    config.napoleon_use_param = config.napoleon_use_rtype = False
    config.autodoc_preserve_defaults = True  # dtype=np.float64, not <class 'numpy.float64'>


def setup(app):
    app.connect("config-inited", plain_types)
    app.connect("autodoc-process-docstring", single_brackets, priority=600)  # after napoleon's 500
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
