"""A headless Chromium, spoken to in the WebDriver protocol (W3C), which is JSON over HTTP: as much of it as a page with forms needs."""

import base64
import json
import re
import shutil
import subprocess
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id: WebDriver, section 12
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,700"]
SOON = 30  # seconds for anything that a page does


class Browser:
    """One window.  Close it."""

    def __init__(self):
        self._driver = subprocess.Popen([driver(), "--port=0"], stdout=subprocess.PIPE, text=True)
        try:
            self._base = f"http://127.0.0.1:{self._port()}"
            options = {"args": FLAGS, "binary": binary()}
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
            self._base += f"/session/{answer['sessionId']}"
        except BaseException:
            self._end()
            raise

    def close(self):
        try:
            self._call("DELETE", "")
        finally:
            self._end()

    def visit(self, url):
        self._call("POST", "/url", {"url": url})

    def find(self, selector):
        return self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def has(self, selector):
        return bool(self._call("POST", "/elements", {"using": "css selector", "value": selector}))

    def text(self, selector="body"):
        return self._call("GET", f"/element/{self.find(selector)}/text")

    def style(self, selector, name):
        return self._call("GET", f"/element/{self.find(selector)}/css/{name}")

    def fill(self, **fields):
        """Put texts in the fields of the page, by their names, instead of what is there."""
        for name, text in fields.items():
            element = self.find(f"[name={name}]")
            self._call("POST", f"/element/{element}/clear", {})
            self._call("POST", f"/element/{element}/value", {"text": text})

    def click(self, selector):
        """Click; the page that follows is there when this returns."""
        self._call("POST", f"/element/{self.find(selector)}/click", {})

    def accept(self):
        """Say yes to a question that the page asks."""
        self._call("POST", "/alert/accept", {})

    def url(self):
        return self._call("GET", "/url")

    def picture(self, path):
        """Keep what the window shows."""
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def _port(self):
        for line in self._driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                return found[1]
        raise RuntimeError("chromedriver ended without a word about its port")

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            return json.load(answer)["value"]

    def _end(self):
        self._driver.terminate()
        self._driver.wait(SOON)
        self._driver.stdout.close()


def binary():
    """Where a Chromium is; None: nowhere."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def driver():
    """Where its driver is; None: nowhere."""
    return shutil.which("chromedriver")
