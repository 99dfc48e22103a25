"""Drives ComfyUI's page with the pack in it and writes what was seen: drive.py HOST PACK SCRATCH REPORT.json.

Run by the Python of the host, which needs playwright and a Chromium; ``test_page.py`` judges the report. It imports
nothing of the project.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

START_S, RUN_S = 300, 300
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
EDITOR = "[data-testid=sat3d-studio]"
READY = "() => window.app?.graph && Object.keys(LiteGraph?.registered_node_types ?? {}).includes('SAT3DStudio')"
OPEN = "([graph, name]) => app.loadGraphData(graph, true, true, name, { openSource: 'template' })"
# A node that says which model it needs is marked where the user has not got it.
RED = """() => app.graph.nodes.filter((n) => (n.has_errors && !n.properties?.models)
    || (n.type !== 'Note' && !n.subgraph && !LiteGraph.registered_node_types[n.type])).map((n) => n.title)"""


@contextmanager
def server(host: Path, pack: Path, scratch: Path):
    """The host with a scratch folder for all that it writes; gives its address."""
    base = scratch / "base"
    for folder in ("custom_nodes", "models", "input", "output", "temp", "user/default"):
        (base / folder).mkdir(parents=True)
    ignored = shutil.ignore_patterns(".git", ".venv", "out", "tests", "training", "__pycache__")
    shutil.copytree(pack, base / "custom_nodes" / "sat3d", ignore=ignored)
    (base / "user/default/comfy.settings.json").write_text('{"Comfy.TutorialCompleted": true}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "main.py", "--listen", "127.0.0.1", "--port", str(port), "--base-directory", str(base)]
    with (scratch / "server.log").open("wb") as log:
        options = ["--cpu", "--disable-auto-launch"]
        process = subprocess.Popen([*command, *options], cwd=host, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield wait_until_up(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(30)


def wait_until_up(address: str, process: subprocess.Popen) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            DIRECT.open(f"{address}/system_stats", timeout=5).close()
            return address
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the host does not start; see server.log")


class Page:
    """One tab, and what went wrong in it on account of the pack."""

    def __init__(self, browser, address: str):
        self.tab = browser.new_context(viewport={"width": 1600, "height": 1000}).new_page()
        self.tab.set_default_timeout(60_000)
        self.wrong: list[str] = []
        self.tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.tab.on("console", self.note)
        self.tab.goto(address)
        self.tab.wait_for_function(READY, timeout=START_S * 1000)
        self.tab.wait_for_timeout(1000)

    def note(self, message) -> None:
        if message.type == "error" and "sat3d" in f"{message.text} {message.location}".lower():
            self.wrong.append(message.text)

    def open(self, path: Path) -> dict:
        """A template, as Browse Templates opens it."""
        self.wrong.clear()
        self.tab.evaluate(OPEN, [json.loads(path.read_text(encoding="utf-8")), path.stem])
        self.tab.wait_for_timeout(2500)
        return {"zoom": self.tab.evaluate("() => app.canvas.ds.scale"), "red": self.tab.evaluate(RED),
                "nodes": self.tab.evaluate("() => app.graph.nodes.length"), "wrong": list(self.wrong)}  # fmt: skip

    def run(self) -> dict:
        """All that is open; the status and the outputs of the host's history."""
        self.tab.evaluate("() => app.queuePrompt(0, 1)")
        end = time.monotonic() + RUN_S
        while time.monotonic() < end:
            self.tab.wait_for_timeout(500)
            history = self.tab.evaluate("async () => (await fetch('/history?max_items=1')).json()")
            for entry in history.values():
                return {"status": entry["status"]["status_str"], "outputs": entry["outputs"], "wrong": list(self.wrong)}
        return {"status": "not done", "outputs": {}, "wrong": list(self.wrong)}

    # -- the studio

    def pictures(self) -> int:
        return int(self.tab.locator(EDITOR).get_attribute("data-pictures") or 0)

    def state(self) -> dict:
        widget = "app.graph.nodes.find((n) => n.type === 'SAT3DStudio').widgets.find((w) => w.name === 'state')"
        return json.loads(self.tab.evaluate(f"() => {widget}.value"))

    def drag(self, selector: str, dx: int, seconds: float = 3.0) -> float:
        """Pictures per second while the mouse moves, pressed, from the middle of an element."""
        box = self.tab.locator(selector).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.tab.mouse.move(x, y)
        self.tab.mouse.down()
        begin, before = time.monotonic(), self.pictures()
        while (share := (time.monotonic() - begin) / seconds) < 1:
            self.tab.mouse.move(x + dx * share, y)
            self.tab.wait_for_timeout(16)
        drawn = self.pictures() - before
        self.tab.mouse.up()
        return drawn / seconds

    def use_studio(self) -> dict:
        """Load, turn, slide, undo, and see it again after a reload."""
        self.tab.locator(f"{EDITOR} .veil button").click()
        self.wait_for_pictures(1)
        found = {"turning": self.drag(f"{EDITOR} canvas", -60), "turned": self.state()}
        found |= {"sliding": self.drag("[data-attribute=eyeglasses] input", 40), "slid": self.state()}
        self.tab.get_by_role("button", name="Undo", exact=True).click()
        found["undone"] = self.state()
        self.tab.wait_for_function(f"() => Number(document.querySelector('{EDITOR}').dataset.side) >= 128")
        self.tab.wait_for_timeout(3000)  # the page saves what is open
        self.tab.reload()
        self.wait_for_pictures(1)
        return found | {"reloaded": self.state(), "wrong": list(self.wrong)}

    def wait_for_pictures(self, least: int) -> None:
        enough = f"() => Number(document.querySelector('{EDITOR}')?.dataset.pictures) >= {least}"
        self.tab.wait_for_function(enough, timeout=RUN_S * 1000)


def main() -> None:
    host, pack, scratch, report = (Path(argument).resolve() for argument in sys.argv[1:])
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with server(host, pack, scratch) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = Page(browser, address)
        templates = sorted((pack / "workflows").glob("*.json"))
        found: dict = {"templates": {path.stem: page.open(path) for path in templates}}
        page.open(pack / "workflows/1 First face.json")
        found["run"] = page.run()
        page.open(pack / "workflows/9 Studio.json")
        found["studio"] = page.use_studio()
        browser.close()
    report.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
