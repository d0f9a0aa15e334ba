"""``make po``: bring the Korean catalogs up to date with the English text, and change nothing else in them.

A catalog is written from three things only: the messages of the page in their order, the translations there
were, and a header that never changes. No dates, no line numbers, no wrapping: when the text did not change,
no byte does. (``sphinx-intl update`` would keep the template's header, with its date and addresses, and the
line numbers.)

A message that changed keeps its old translation, marked fuzzy, beside the old English. A translation that
nothing asks for any more stays as an obsolete entry: it holds somebody's words. The gate (check.py) fails on
both until a person has looked at them. A formula without words in it is its own translation.
"""

import re
import runpy
import shutil
import subprocess
import sys
from difflib import SequenceMatcher
from functools import partial
from os.path import relpath
from pathlib import Path

import polib
from message import is_formula

ROOT = Path(__file__).parent.parent
CATALOGS = "locale/ko/LC_MESSAGES"
INTERFACE = (
    "sphinx"  # words of the theme, of Sphinx and of our extensions: written by hand, extracted by nobody
)
SIMILAR = 0.5  # share of words that a changed paragraph has in common with the old one


def extract(root, out):
    """Write the messages of the book (`root`/book) as .pot files into the folder `out`, from scratch."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "gettext", "-c", root, root / "book", out]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        # Of Sphinx's crash report only the line of the exception is news to an author.
        report = f"{run.stdout}{run.stderr}".partition("The full traceback has been saved")[0]
        reason = (report.strip() or "sphinx-build failed").splitlines()[-1].strip()
        sys.exit(f"{reason}\nThe text of the book could not be extracted.")


def templates(out):
    """The extracted catalogs by name (``code/activations``), in a fixed order."""
    found = {path.relative_to(out).with_suffix("").as_posix(): path for path in out.rglob("*.pot")}
    found.pop(INTERFACE, None)
    return dict(sorted(found.items()))


class CatalogError(Exception):
    """A catalog that cannot be read: the line, and what is wrong with it."""


def read_catalog(path):
    try:
        return polib.pofile(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        reason = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
    except OSError as error:
        found = re.search(r"line (\d+)", str(error))
        line, reason = int(found[1]) if found else 1, error
    raise CatalogError(line, f"not readable: {reason}; expected the gettext format")


def header(project):
    return {
        "Project-Id-Version": project,
        "Language": "ko",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=1; plural=0;",
    }


def origin(entry, page, out, root):
    """Where a message stands, for the translator: the function of a docstring and its twin, or a file other
    than the page. No line number, and nothing for words in more places: both would change too often."""
    places = " ".join(place for place, _ in entry.occurrences)
    # Sphinx writes a docstring's place with spaces: x.py:docstring of x.f
    found = re.findall(r"docstring of (\S+)", places) or [
        file for place in places.split() if Path(file := relpath(out / place, root)).with_suffix("") != page
    ]
    found = list(dict.fromkeys(found))
    return ", ".join(found) if len(found) <= 2 else ""


def similar_pairs(new, old):
    """Changed messages: pairs of a new and an old msgid, the most similar first, each msgid at most once."""
    pairs = []
    for old_id in old:
        matcher = SequenceMatcher(b=old_id.split(), autojunk=False)
        for new_id in new:
            matcher.set_seq1(new_id.split())
            if matcher.quick_ratio() >= SIMILAR and (ratio := matcher.ratio()) >= SIMILAR:
                pairs.append((ratio, new_id, old_id))
    chosen = {}
    for _, new_id, old_id in sorted(pairs, reverse=True):
        if new_id not in chosen and old_id not in chosen.values():
            chosen[new_id] = old_id
    return chosen


def translation(entry, old, unused, changed):
    """What the old catalog has for an entry of the template: an entry with msgstr, flags and comments."""
    if entry.msgid in old:
        return old[entry.msgid]
    if is_formula(entry.msgid) and "\\text" not in entry.msgid:
        return polib.POEntry(msgid=entry.msgid, msgstr=entry.msgid)
    if entry.msgid in changed:
        return unused.pop(changed[entry.msgid])
    return polib.POEntry(msgid=entry.msgid)


def merged(template, catalog, project, where):
    """The catalog that belongs to the template: its messages, with the translations of the old catalog.

    `where` tells for an entry of the template where it stands."""
    old = {entry.msgid: entry for entry in sorted(catalog, key=lambda entry: not entry.obsolete)}
    wanted = {entry.msgid for entry in template}
    worded = (entry for entry in old.values() if entry.msgstr not in {"", entry.msgid})
    unused = {entry.msgid: entry for entry in worded if entry.msgid not in wanted}
    changed = similar_pairs(wanted - set(old), unused)

    result = polib.POFile(wrapwidth=0)
    result.header = catalog.header or f"The Korean edition of: {project}"
    result.metadata = header(project)
    for entry in template:
        kept = translation(entry, old, unused, changed)
        fuzzy = kept.fuzzy or kept.msgid != entry.msgid
        previous = kept.msgid if kept.msgid != entry.msgid else kept.previous_msgid
        result.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgstr=kept.msgstr,
                flags=[*(["fuzzy"] if fuzzy else []), *(flag for flag in entry.flags if flag != "fuzzy")],
                previous_msgid=previous if fuzzy else None,
                tcomment=kept.tcomment,
                comment=where(entry),
            )
        )
    for entry in unused.values():
        result.append(
            polib.POEntry(msgid=entry.msgid, msgstr=entry.msgstr, tcomment=entry.tcomment, obsolete=True)
        )
    return result


def update(root, out):
    """Bring all catalogs up to date with the templates in `out`; return a line for each that changed.

    Where one cannot be read, none is written."""
    project = runpy.run_path(str(root / "conf.py"))["project"]
    catalogs = {}
    for name in templates(out):
        target = root / CATALOGS / f"{name}.po"
        try:
            catalogs[name] = read_catalog(target) if target.exists() else polib.POFile()
        except CatalogError as error:
            line, complaint = error.args
            sys.exit(f"{target.relative_to(root)}:{line}: {complaint}\nNo catalog was written.")
    report = []
    for name, path in templates(out).items():
        target = root / CATALOGS / f"{name}.po"
        before = target.read_text("utf-8") if target.exists() else ""
        where = partial(origin, page=Path("book", name), out=out, root=root)
        result = merged(polib.pofile(str(path)), catalogs[name], project, where)
        after = str(result)
        if after != before:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(after, "utf-8")
            open_entries = result.untranslated_entries(), result.fuzzy_entries(), result.obsolete_entries()
            counts = "{} to translate, {} fuzzy, {} obsolete".format(*map(len, open_entries))
            report.append(f"{target.relative_to(root)}: {counts}")
    return report


if __name__ == "__main__":
    pot = ROOT / "_build/gettext"
    extract(ROOT, pot)
    print("\n".join(update(ROOT, pot)) or "The catalogs are up to date.")
