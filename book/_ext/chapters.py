"""A chapter has the number that the registry gives it, also while chapters before it are in preparation.

Sphinx counts the pages of a numbered toctree; figures, titles and the sidebar take their number from there.
It has no event between counting the sections and counting the figures, hence the patch.
"""

import functools

from docutils import nodes
from sphinx.environment.collectors.toctree import TocTreeCollector

from _ext.questions import read, registry_file


def renumber(env, docname: str, chapter: int) -> None:
    """Let the section numbers of a page begin with the chapter's, wherever Sphinx has noted them."""

    def begin(number):
        return number and type(number)([chapter, *number[1:]])

    counted = env.toc_secnumbers[docname]
    env.toc_secnumbers[docname] = {anchor: begin(number) for anchor, number in counted.items()}
    for node in (env.titles[docname], *env.tocs[docname].findall(nodes.reference)):
        if node.get("secnumber"):
            node["secnumber"] = begin(node["secnumber"])


def numbered_by_registry(assign_section_numbers):
    @functools.wraps(assign_section_numbers)
    def assign(self, env):
        before = env.toc_secnumbers
        assign_section_numbers(self, env)
        for chapter in read(registry_file(env)).chapters:
            if chapter.file in env.toc_secnumbers:
                renumber(env, chapter.file, chapter.number)
        return [name for name, numbers in env.toc_secnumbers.items() if numbers != before.get(name)]

    return assign


def setup(app):
    assign = TocTreeCollector.assign_section_numbers
    if not hasattr(assign, "__wrapped__"):  # several builds in one process patch once
        TocTreeCollector.assign_section_numbers = numbered_by_registry(assign)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
