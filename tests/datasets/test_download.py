"""Downloads from a real server on this machine: resumed, cut off, wrong, missing, slow, moved, twice at once."""

import gzip
import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import types

import pytest

from gradwise.datasets import _download, _files
from gradwise.datasets._official import SOURCES, Source
from gradwise.errors import FileError

pytestmark = pytest.mark.feature("A2")

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT as the path says: /whole, /ranges, /cut, /missing, /busy, /moved, /slow, /wrong."""

    def do_GET(self):
        kind = self.path.strip("/")
        self.server.asked.append((kind, self.headers.get("Range")))
        if kind == "missing":
            return self.send_error(404, "Not Found")
        if kind == "busy" and len(self.server.asked) < 3:
            return self.send_error(503, "Busy")
        if kind == "moved":
            self.send_response(302)
            self.send_header("Location", "/ranges")
            self.end_headers()
            return None
        start = 0
        if self.headers.get("Range") and kind != "whole":
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(CONTENT):
                return self.send_error(416, "Range Not Satisfiable")
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        else:
            self.send_response(200)
        body = (bytes(len(CONTENT)) if kind == "wrong" else CONTENT)[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind == "cut":
            body = body[: len(CONTENT) // 3]
        size = len(body) // 40 + 1 if kind == "slow" else len(body)
        for begin in range(0, len(body), size):
            self.wfile.write(body[begin : begin + size])
            self.wfile.flush()
            if kind == "slow":
                time.sleep(0.05)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def source(server, kind, sha256=SHA256, **settings):
    return Source(f"http://127.0.0.1:{server.server_port}/{kind}", sha256, **settings)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    ours = types.SimpleNamespace(sleep=lambda seconds: None, monotonic=time.monotonic)
    monkeypatch.setattr(_download, "time", ours)


@pytest.mark.parametrize("kind", ["whole", "ranges", "moved", "busy"])
def test_a_file_is_fetched_once(server, tmp_path, kind, capsys):
    target = _download.download("data.bin", source(server, kind), tmp_path / "new")
    assert target.read_bytes() == CONTENT
    asked = len(server.asked)
    assert _download.download("data.bin", source(server, kind), tmp_path / "new") == target
    assert len(server.asked) == asked
    assert "Downloading data.bin 1.0 MB" in capsys.readouterr().err
    assert not list((tmp_path / "new").glob("*.part"))


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT[:1000])
    assert _download.download("data.bin", source(server, "ranges"), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("ranges", "bytes=1000-")]


def test_a_whole_part_needs_no_server(tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT)
    target = _download.download("data.bin", Source("http://127.0.0.1:9/", SHA256), tmp_path)
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT[:1000])
    assert _download.download("data.bin", source(server, "whole"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("before", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 5)])
def test_a_part_of_another_file_is_thrown_away(server, tmp_path, before):
    (tmp_path / "data.bin.part").write_bytes(before)
    assert _download.download("data.bin", source(server, "ranges"), tmp_path).read_bytes() == CONTENT


def test_a_connection_that_breaks_off_is_taken_up_again(server, tmp_path):
    assert _download.download("data.bin", source(server, "cut"), tmp_path).read_bytes() == CONTENT
    assert [begin for _, begin in server.asked][1:] == [f"bytes={len(CONTENT) // 3 * n}-" for n in (1, 2, 3)]


def test_a_connection_that_keeps_breaking_off(server, tmp_path, monkeypatch):
    monkeypatch.setattr(_download, "_TRIES", 2)
    with pytest.raises(FileError, match="a connection that broke off") as caught:
        _download.download("data.bin", source(server, "cut"), tmp_path)
    assert f"{len(CONTENT) // 3 * 2} of {len(CONTENT)} bytes came" in str(caught.value)
    assert (tmp_path / "data.bin.part").read_bytes() == CONTENT[: len(CONTENT) // 3 * 2]  # for the next time
    assert not (tmp_path / "data.bin").exists()


@pytest.mark.parametrize(
    ("kind", "told"),
    [("missing", "got the answer 404 Not Found"), ("wrong", "got a file with SHA-256 30e14955")],
)
def test_what_cannot_be_used_is_told_with_everything_needed(server, tmp_path, kind, told):
    with pytest.raises(FileError) as caught:
        _download.download("data.bin", source(server, kind), tmp_path)
    message = str(caught.value)
    assert message.startswith("download of 'data.bin': expected the file at http://127.0.0.1:")
    assert f"(SHA-256 {SHA256})" in message and told in message
    assert f"put it at '{tmp_path / 'data.bin'}'" in message and "GRADWISE_DATA" in message
    assert not (tmp_path / "data.bin").exists() and not (tmp_path / "data.bin.part").exists()


def test_no_connection(tmp_path):
    with pytest.raises(FileError, match=r"got no connection \(\[Errno"):
        _download.download("data.bin", Source("http://127.0.0.1:9/", SHA256), tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="got NotADirectoryError|got FileExistsError"):
        _download.download("data.bin", Source("http://127.0.0.1:9/", SHA256), tmp_path / "file" / "below")


def test_the_hash_of_what_a_gzip_file_holds(tmp_path):
    (tmp_path / "data.gz.part").write_bytes(gzip.compress(CONTENT))
    packed = Source("http://127.0.0.1:9/", SHA256, unpacked=True)
    assert gzip.decompress(_download.download("data.gz", packed, tmp_path).read_bytes()) == CONTENT
    (tmp_path / "other.gz.part").write_bytes(b"no gzip")
    with pytest.raises(FileError, match=r"\(its content with SHA-256"):
        _download.download("other.gz", packed, tmp_path)


def run(server, folder):
    code = (
        "import sys; from pathlib import Path; from gradwise.datasets import _download\n"
        "from gradwise.datasets._official import Source\n"
        f"_download.download('data.bin', Source({source(server, 'slow').address!r}, {SHA256!r}), Path(sys.argv[1]))"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], stderr=subprocess.DEVNULL)


def wait_for(condition):
    end = time.perf_counter() + 60
    while not condition():
        assert time.perf_counter() < end
        threading.Event().wait(0.01)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals")
def test_a_killed_download_goes_on_and_two_at_once_fetch_once(server, tmp_path):
    part = tmp_path / "data.bin.part"
    first = run(server, tmp_path)
    wait_for(lambda: part.exists() and part.stat().st_size > 0)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not (tmp_path / "data.bin").exists()
    there = part.stat().st_size
    assert 0 < there < len(CONTENT)
    both = [run(server, tmp_path), run(server, tmp_path)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert [begin for _, begin in server.asked] == [None, f"bytes={there}-"]


def test_named_sets_are_fetched_into_the_cache(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("GRADWISE_OFFLINE", raising=False)
    monkeypatch.setitem(SOURCES, "some.npz", source(server, "ranges"))
    path = _files.find_file("some.npz")
    assert path == tmp_path / "gradwise" / "some.npz" and path.read_bytes() == CONTENT
    os.utime(path, (0, 0))
    assert _files.find_file("some.npz").stat().st_mtime == 0  # not fetched again
