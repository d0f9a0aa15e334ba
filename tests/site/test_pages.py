"""Every page of both editions, as a reader's browser sees it and as it is written."""

from site_checks import DESK, PHONE, id_faults, link_faults, nu_faults, twin, untranslated_labels, visit


def test_in_a_browser(browser, base, page_path):
    faults = visit(browser, f"{base}/{page_path}", DESK, axe=True)
    faults += visit(browser, f"{base}/{page_path}", PHONE, axe=False)
    assert not faults, "\n".join(faults)


def test_links(site, page_path):
    faults = link_faults(site, page_path)
    assert not faults, "\n".join(faults)


def test_ids_are_equal_in_both_editions(site, page_path):
    faults = id_faults(site / page_path, site / twin(page_path))
    assert not faults, "\n".join(faults)


def test_interface_is_korean(site, page_path):
    if page_path.startswith("ko/"):
        assert untranslated_labels(site / page_path) == []


def test_nu_checker(site):
    faults = nu_faults(site)
    assert not faults, "\n".join(faults)
