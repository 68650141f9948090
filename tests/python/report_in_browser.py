#!/usr/bin/env python3
"""Opens a report in a real browser (Debian: chromium), light and dark, and looks at what is there.

    report_in_browser.py PROGRAM
"""
import html.parser
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

SKIPPED = 77
FIGURES = {"curves", "ratings", "predicted", "residuals", "calibration", "popularity", "map"}
WIDTH, HEIGHT = 1200, 3000


class Page(html.parser.HTMLParser):
    """Elements of each figure, cells of each table, and whatever would load or run something."""

    def __init__(self, text):
        super().__init__()
        self.figures, self.tables, self.outside = {}, {}, []
        self.figure = self.table = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "figure":
            self.figure = self.figures.setdefault(attributes["id"], [])
        if tag == "table":
            self.table = self.tables.setdefault(attributes["id"], [])
        if tag in ("script", "link", "img", "iframe") or {"src", "href", "onload"} & attributes.keys():
            self.outside.append(tag)
        if self.figure is not None:
            self.figure.append((tag, attributes))

    def handle_endtag(self, tag):
        if tag == "figure":
            self.figure = None
        if tag == "table":
            self.table = None

    def handle_data(self, data):
        if self.table is not None and data.strip():
            self.table.append(data.strip())


def pixels(path):
    """Width, height and rows of RGB(A) bytes of a PNG of 8 bits, without interlacing."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", data[at + 8:at + 18])
            assert depth == 8 and color in (2, 6)
        if kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += size + 12
    step = 3 if color == 2 else 4
    raw, rows, before = zlib.decompress(packed), [], bytearray(width * step)
    for y in range(height):
        line = raw[y * (width * step + 1):(y + 1) * (width * step + 1)]
        row, kind = bytearray(line[1:]), line[0]
        for x in range(len(row)):
            left = row[x - step] if x >= step else 0
            corner = before[x - step] if x >= step else 0
            up = before[x]
            if kind == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
                row[x] = (row[x] + near[2]) & 255
            else:
                row[x] = (row[x] + (0, left, up, (left + up) // 2)[kind]) & 255
        rows.append(row)
        before = row
    return width, height, step, rows


def colours(path):
    width, height, step, rows = pixels(path)
    assert (width, height) == (WIDTH, HEIGHT), (width, height)
    return {tuple(row[x:x + 3]) for row in rows for x in range(0, len(row), step)}, tuple(rows[2][:3])


def main(program):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        print("skipped: no chromium on this machine (Debian: chromium)")
        return SKIPPED
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lines = [f"{u},{i},{1 + (u * i + u + i) % 9 / 2}" for u in range(60) for i in range(40) if (u * 7 + i * 5) % 4]
        (folder / "ratings.csv").write_text("user,item,rating\n" + "\n".join(lines) + "\n")
        (folder / "names.csv").write_text("item,title\n" + "".join(f"{i},\"Film <{i}> & more\"\n" for i in range(40)))
        run = lambda *words: subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
        run(program, "train", "ratings.csv", "-k", "6", "--epochs", "5", "--engine", "cpu")
        run(program, "report", "ratings.safetensors", "--names", "names.csv")
        open_page = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                     f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}"]
        page = (folder / "ratings.html").as_uri()

        dom = run(*open_page, "--dump-dom", page).stdout
        found = Page(dom)
        assert found.figures.keys() == FIGURES, found.figures.keys()
        assert not found.outside, found.outside
        for figure, elements in found.figures.items():
            assert any(tag == "svg" for tag, _ in elements), figure
            assert any(tag in ("path", "rect", "circle") and "grid" not in attributes.get("class", "")
                       for tag, attributes in elements), figure
        of = lambda figure, tag, kind: [a for t, a in found.figures[figure] if t == tag and kind in a.get("class", "")]
        assert len(of("map", "circle", "point")) == 40
        assert len(of("map", "text", "name")) > 3
        assert len(of("curves", "path", "line")) == 2
        assert len(of("ratings", "rect", "bar")) == 9  # values 1 to 5 in halves
        assert found.tables["metrics"][:6] == ["RMSE", "MAE", "this model", *found.tables["metrics"][3:6]]
        assert re.fullmatch(r"\d\.\d{4}", found.tables["metrics"][3]), found.tables["metrics"]
        assert "Film &lt;" in dom and "<film" not in dom.lower()

        run(*open_page, f"--screenshot={folder}/light.png", page)
        run(*open_page, "--force-dark-mode", "--blink-settings=preferredColorScheme=0",
            f"--screenshot={folder}/dark.png", page)
        light, light_ground = colours(folder / "light.png")
        dark, dark_ground = colours(folder / "dark.png")
        assert light_ground == (255, 255, 255) and dark_ground == (0x18, 0x1a, 0x1b), (light_ground, dark_ground)
        assert (0x00, 0x72, 0xb2) in light, "the training curve is not there"
        assert (0x56, 0xb4, 0xe9) in dark, "the training curve is not there in the dark"
        run(*open_page, f"--print-to-pdf={folder}/page.pdf", page)
        assert (folder / "page.pdf").read_bytes()[:5] == b"%PDF-"
    print("a page with " + ", ".join(sorted(FIGURES)))
    return 0


sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
