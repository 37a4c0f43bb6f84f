"""The first load of the page in headless Chromium: how much is fetched, and when something is to be seen."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
LOADS = 7
_PAINT = """() => new Promise((told) => new PerformanceObserver(
  (list) => told(list.getEntries().find((e) => e.name === "first-contentful-paint")?.startTime)
).observe({type: "paint", buffered: true}))"""


@dataclass(frozen=True)
class PageLoad:
    """First loads, each with nothing kept from before."""

    megabytes: float
    """All bodies that were fetched until the page was loaded, API answers included."""
    files: int
    first_paint_ms: float
    """The median of when the first content was painted."""
    worst_paint_ms: float


def measure_page(url: str) -> PageLoad:
    """Loads the page `LOADS` times in a browser that knows nothing of it."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        sys.exit(f"The page is measured in Debian's chromium, and there is no {CHROMIUM}; install it first.")
    paints, sizes, files = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        # The first load of a browser process starts its parts as well.
        for number in range(LOADS + 1):
            context = browser.new_context()
            page = context.new_page()
            finished: list[int] = []
            page.on("requestfinished", lambda request, into=finished: into.append(request.sizes()["responseBodySize"]))
            page.goto(url, wait_until="load")
            paint = float(page.evaluate(_PAINT))
            page.wait_for_timeout(1500)
            if number:
                paints.append(paint)
                sizes.append(sum(finished))
                files.append(len(finished))
            context.close()
        browser.close()
    return PageLoad(max(sizes) / 1e6, max(files), statistics.median(paints), max(paints))
