"""The built site, served as a web server would serve it, and one browser for all tests."""

import gzip
import shutil
import threading
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from site_checks import AXE, SITE, edition_pages

INSTALL = "sudo apt-get install --no-install-recommends chromium default-jre-headless"
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-component-update"]
QUIET += ["--disable-background-networking"]


def pytest_sessionstart(session):
    """Say at once all that is missing, before the first test."""
    if not (SITE / "index.html").exists():
        pytest.exit(f"tests/site: {SITE}/index.html does not exist; build the book first: make html", 2)
    if missing := [tool for tool in ("chromium", "java") if not shutil.which(tool)]:
        pytest.exit(f"tests/site: {' and '.join(missing)} not found. Install with:\n  {INSTALL}", 2)
    if not AXE.exists():
        pytest.exit(f"tests/site: {AXE} does not exist; run: make test-site", 2)


def pytest_generate_tests(metafunc):
    if "page_path" in metafunc.fixturenames:
        metafunc.parametrize("page_path", edition_pages(SITE))


class GzipHandler(SimpleHTTPRequestHandler):
    """Serves a folder, text compressed, as every real server does."""

    protocol_version = "HTTP/1.1"

    @staticmethod
    @cache
    def body(path, changed):
        return gzip.compress(Path(path).read_bytes(), mtime=0)

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path = path / "index.html"
        if not path.exists():
            return self.send_error(404)
        kind = self.guess_type(path)
        text = kind.startswith("text/") or kind.endswith(("javascript", "json", "svg+xml"))
        body = self.body(path, path.stat().st_mtime_ns) if text else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        if text:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def serve():
    """A function from a folder to the address that serves it."""
    servers = []

    def start(folder):
        def handler(*args):
            return GzipHandler(*args, directory=str(folder))

        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def site():
    return SITE


@pytest.fixture(scope="session")
def base(serve):
    return serve(SITE)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield browser
        browser.close()
