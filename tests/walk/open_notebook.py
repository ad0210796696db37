"""A notebook that is open in a browser, and what a person does with it: by menu, mouse and keyboard."""

import json
import re
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.walk.lab import Lab

MOMENT, LONG = 60_000, 400_000  # milliseconds; Run All takes 40 s on a quiet machine
COMPLAINTS = "[data-mime-type='application/vnd.jupyter.stderr']"  # JupyterLab shows errors and warnings as this
FINISHED = """
() => {
  const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(prompt => prompt.textContent);
  return /\\d/.test(prompts[0]) && !prompts.some(text => text.includes("*"));
}
"""
SCROLL = """
pieces => {
  const paper = document.querySelector(".jp-NotebookPanel .jp-WindowedPanel-outer");
  const last = [...paper.querySelectorAll(".jp-Cell")].at(-1);
  paper.scrollTop = pieces * (paper.clientHeight - 40);
  return last.getBoundingClientRect().bottom <= paper.getBoundingClientRect().bottom;
}
"""


class OpenNotebook:
    """A notebook of a learner's folder in the browser; cells are found by how their code begins."""

    def __init__(self, page: Page, lab: Lab, path: Path, screenshots: Path) -> None:
        self.page, self.lab, self.screenshots = page, lab, screenshots
        self.asked: list[str] = []  # the address of each request and socket, from the first on
        self.broken: list[str] = []  # errors in the page: uncaught, or written to its console
        page.context.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.broken.append(str(error)))
        page.set_default_timeout(MOMENT)
        expect.set_options(timeout=MOMENT)
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        self._sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        page.goto(lab.address(path.name))
        expect(self.code).to_have_count(len(self._sources))
        expect(page.locator("#jp-main-statusbar")).to_contain_text("(ipykernel) | Idle")

    @property
    def code(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel .jp-CodeCell")

    def cell(self, begin: str) -> Locator:
        return self.code.nth(next(n for n, source in enumerate(self._sources) if source.startswith(begin)))

    @property
    def strayed(self) -> list[str]:
        """The addresses that lead off this machine, or to another server on it."""
        return [url for url in self.asked if not self.lab.serves(url)]

    def run_all(self) -> None:
        """Run → Run All Cells, until no cell waits any more: all have run, or one has failed."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(FINISHED, timeout=LONG)

    def rewrite(self, begin: str, *lines: str) -> None:
        """Select what stands in a cell and type something else; the editor indents after a colon by itself."""
        editor = self.cell(begin).locator(".cm-content")
        editor.click()
        self.page.keyboard.press("ControlOrMeta+a")
        for n, line in enumerate(lines):
            if n:
                self.page.keyboard.press("Enter")
            self.page.keyboard.type(line)
        expect(editor.locator(".cm-line")).to_have_text([re.compile(rf"^\s*{re.escape(line)}$") for line in lines])

    def overtype(self, begin: str, word: str, new: str) -> None:
        """Double-click on the first such word in a cell, and type another."""
        self.cell(begin).locator(".cm-content").get_by_text(word, exact=True).first.dblclick()
        self.page.keyboard.type(new)

    def run(self, cells: int = 1) -> None:
        """Press Shift + Enter, which also goes to the next cell."""
        for _ in range(cells):
            self.page.keyboard.press("Shift+Enter")

    def texts(self, what: str) -> list[str]:
        """Return the texts of the outputs of a kind, anywhere in the notebook."""
        return self.page.locator(f".jp-NotebookPanel {what}").all_inner_texts()

    def photograph(self, station: str, cell: Locator | None = None) -> None:
        if cell is not None:
            cell.scroll_into_view_if_needed()
        self.page.screenshot(path=self.screenshots / f"{station}.png")

    def photograph_all(self, station: str) -> None:
        """Take the whole notebook from top to bottom, a piece as high as the window at a time."""
        piece, done = 0, False
        while not done:
            done = self.page.evaluate(SCROLL, piece)
            self.photograph(f"{station}_{piece:02d}")
            piece += 1

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.broken.append(message.text)


def output(cell: Locator) -> Locator:
    return cell.locator(".jp-Cell-outputArea")
