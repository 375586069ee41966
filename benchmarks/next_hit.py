"""How long after Enter the next HIT is on screen, on a slow network: `python -m benchmarks.next_hit [--latency 200]`.

The product's own server, a real Chromium whose every request takes the latency longer, a worker who answers by keys. A
HIT is on screen at the end of the frame that first shows it. The last line is JSON: milliseconds, beside a bare round
trip in the same page, which is what a page without a HIT in waiting would need at least.
"""

import argparse
import json
import statistics

from playwright.sync_api import Page, sync_playwright

from benchmarks.http import serving
from benchmarks.installation import begin, installation, job, logged_in
from tests.browser.chromium import FLAGS, chromium
from tests.services import made

ROWS, THINKING_MS = 400, 900
WATCH = """() => {
  globalThis.took = [];
  let pressed = 0;
  addEventListener("keydown", (event) => { if (event.key === "Enter") pressed = event.timeStamp; }, true);
  new MutationObserver(() => {
    if (!pressed || !document.querySelector(".hit-work:not([hidden])")) return;
    const from = pressed;
    pressed = 0;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => took.push(performance.now() - from);
      port2.postMessage(0); // handled once the frame is drawn
    });
  }).observe(document.querySelector("[data-stage]"), { attributes: true, subtree: true, attributeFilter: ["hidden"] });
}"""
ROUND_TRIP = """async () => {
  const from = performance.now();
  await fetch("/healthz", { cache: "no-store" });
  return performance.now() - from;
}"""


def answer(page: Page, count: int) -> list[float]:
    """Answer so many HITs by keys; milliseconds from each Enter to the next HIT."""
    page.evaluate(WATCH)
    for _ in range(count):
        page.wait_for_timeout(THINKING_MS)
        page.keyboard.press("1")
        page.keyboard.press("Enter")
    page.wait_for_timeout(THINKING_MS)
    return list(page.evaluate("took"))


def main() -> None:
    """Measure both and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=int, default=200, help="milliseconds")
    parser.add_argument("--answers", type=int, default=40)
    asked = parser.parse_args()
    with installation("sqlite", web_processes=1) as (broker, _), sync_playwright() as playwright:
        [worker] = made.crowd(broker.store, 1)
        job_id = job(broker.store, ROWS, redundancy=1)
        begin(broker, job_id, [worker])
        [(cookie, _, _)] = logged_in(broker, [worker])
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with serving("broker.cli.web", broker) as url:
            context = browser.new_context(viewport={"width": 1280, "height": 860})
            context.add_cookies([{"name": "broker", "value": cookie, "url": url}])
            page = context.new_page()
            page.goto(f"{url}/work/{broker.names('J').show(job_id)}", wait_until="networkidle")
            slow = {"offline": False, "latency": asked.latency, "downloadThroughput": -1, "uploadThroughput": -1}
            context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
            took = answer(page, asked.answers)
            trips = [page.evaluate(ROUND_TRIP) for _ in range(9)]
            browser.close()
    median, trip = statistics.median(took), statistics.median(trips)
    slowest = statistics.quantiles(took, n=20)[-1]
    found = {"answers": len(took), "median_ms": median, "p95_ms": slowest, "round_trip_ms": trip}
    print(json.dumps({**{key: round(value, 1) for key, value in found.items()}, "ratio": round(median / trip, 3)}))


if __name__ == "__main__":
    main()
