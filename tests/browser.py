"""The browser that opens pages in tests.

The fixtures are named in the topmost conftest alone: one named twice would start the browser's driver twice, which
Playwright refuses.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


PATIENCE_MS, LOOK_MS = 20_000, 50
"""How long a page may take, however busy the machine is, and how often it is looked at."""

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Heard:
    """What a page said and asked for while a test looked at it."""

    console: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of a report; afterwards the page must have been silent and alone."""
    contexts = []
    heard = Heard()

    def open_page(
        path: Path,
        *,
        width: int = 1280,
        density: float = 1,
        dark: bool = False,
        fragment: str = "",
        locale: str = "en-GB",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            device_scale_factor=density,
            color_scheme="dark" if dark else "light",
            locale=locale,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.console.append(f"error: {error}"))
        page.on("requestfailed", lambda request: heard.console.append(f"failed: {request.url}"))
        page.on("request", lambda request: heard.addresses.append(request.url))
        page.goto(path.as_uri() + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard.console == []
    assert [address for address in heard.addresses if not address.startswith("file:")] == []


def eventually(page: Page, condition: str) -> None:
    """Wait until a JavaScript condition holds; Playwright's own waiting needs a policy that allows `eval`."""
    becomes(page, lambda: bool(page.evaluate(condition)), True, condition)


def becomes(page: Page, read: Callable[[], object], wanted: object, words: str = "") -> None:
    """Wait until what a page shows is what is wanted: a page answers some events after the act that caused them."""
    for _ in range(PATIENCE_MS // LOOK_MS):
        if read() == wanted:
            return
        page.wait_for_timeout(LOOK_MS)
    assert read() == wanted, words
