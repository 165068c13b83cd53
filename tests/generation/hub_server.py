"""A stand-in for the Hugging Face Hub on loopback: it speaks as much of its protocol as an upload and a download of the client need.

Repositories, branches, commits by NDJSON, plain LFS, trees, downloads. `faults` make it fail on purpose: each names the requests it is for and what
happens to them ("drop" closes the connection without an answer), so many times. `log` holds every request, `received` the LFS objects in order.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN, READER = "hf_writer", "hf_reader"
LARGE = (".parquet",)


@dataclass
class Fault:
    """What happens to requests ("PUT /lfs/...") that match: a status, or "drop"; `times` of them, after the first `after`."""

    pattern: str
    what: int | str
    times: int = 1
    after: int = 0


@dataclass(frozen=True)
class Blob:
    """A file of a commit: the content's digest (SHA-256 of an LFS object, else the git blob id), and its size."""

    oid: str
    size: int
    lfs: bool


@dataclass
class Repository:
    private: bool
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: dict[str, Blob], message: str) -> str:
        sha = hashlib.sha1(f"{branch} {len(self.commits)} {sorted(files)}".encode()).hexdigest()
        self.commits[sha], self.branches[branch] = files, sha
        self.messages.append(message)
        return sha

    def at(self, revision: str) -> str | None:
        return self.branches.get(revision, revision if revision in self.commits else None)


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def files(self, repo_id: str, branch: str = "main") -> dict[str, bytes]:
        """What a reader of the branch sees: path -> content."""
        repository = self.repositories[repo_id]
        return {name: self.objects[blob.oid] for name, blob in repository.commits[repository.branches[branch]].items()}

    def counted(self, pattern: str) -> int:
        return sum(re.search(pattern, line) is not None for line in self.log)

    def fault(self, request: str) -> int | str | None:
        """What is to go wrong with this request, if anything is."""
        with self.lock:
            self.log.append(request)
            for fault in self.faults:
                if fault.times and re.search(fault.pattern, request):
                    if fault.after:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault.what
        return None


class RefusedError(Exception):
    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        path = unquote(urlsplit(self.path).path)
        what = self.hub.fault(f"{self.command} {path}")
        if what == "drop":
            self.rfile.read(length // 2)
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(length) if length else b"".join(self.chunks())
        try:
            if isinstance(what, int):
                raise RefusedError(what, message="on purpose")
            self.send(200, *self.route(path, body))
        except RefusedError as refused:
            headers = {"X-Error-Code": refused.code} if refused.code else {}
            self.send(refused.status, {"error": refused.message}, {**headers, "X-Error-Message": refused.message})

    do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815

    def chunks(self) -> Iterator[bytes]:
        """The body of a request that is sent in chunks."""
        while "chunked" in (self.headers.get("Transfer-Encoding") or "") and (size := int(self.rfile.readline(), 16)):
            yield self.rfile.read(size)
            self.rfile.readline()
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            self.rfile.readline()

    def send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), "Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def route(self, path: str, body: bytes) -> tuple[Any, dict[str, str]]:
        if self.command == "PUT":
            return self.put(path, body), {"ETag": '"x"'}
        if match := re.fullmatch(r"/datasets/(.+?/.+?)/resolve/([^/]+)/(.+)", path):
            return self.download(*match.groups())
        given = [] if not body else [json.loads(line) for line in body.splitlines()] if path.find("/commit/") > 0 else json.loads(body)
        return self.api(path, given), {}

    def api(self, path: str, given: Any) -> Any:
        if path == "/api/repos/create":
            return self.create(given)
        if path == "/api/validate-yaml":
            return {"warnings": [], "errors": []}
        if match := re.fullmatch(r"/datasets/(.+/.+)\.git/info/lfs/objects/batch", path):
            self.may_write()
            return {"transfer": "basic", "objects": [self.wanted(entry) for entry in given["objects"]]}
        match = re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/(revision|tree|preupload|commit|branch)/(.+))?", path)
        if match is None:
            raise RefusedError(404, message=f"the stand-in has no {path}")
        repository = self.repository(match[1])
        revision = match[3] or "main"
        match match[2]:
            case "branch":
                self.may_write()
                start = repository.branches["main"]
                return repository.commit(revision, repository.commits[start], "branch") and {}
            case "preupload":
                self.may_write()
                return {"files": [self.mode(entry, repository, revision) for entry in given["files"]]}
            case "commit":
                self.may_write()
                return self.commit(match[1], repository, revision, given)
        sha = repository.at(revision)
        if sha is None:
            raise RefusedError(404, "RevisionNotFound", f"no revision {revision}")
        if match[2] == "tree":
            return [self.entry(name, blob) for name, blob in sorted(repository.commits[sha].items())]
        names = [{"rfilename": name} for name in repository.commits[sha]]
        return {"id": match[1], "sha": sha, "private": repository.private, "siblings": names, "tags": [], "downloads": 0, "likes": 0}

    def who(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def may_write(self) -> None:
        if self.who() not in (TOKEN, READER):
            raise RefusedError(401, message="Invalid credentials in Authorization header")
        if self.who() == READER:
            raise RefusedError(403, message="this token may not write")

    def repository(self, repo_id: str) -> Repository:
        found = self.hub.repositories.get(repo_id)
        if found is None or (found.private and self.who() not in (TOKEN, READER)):
            raise RefusedError(404 if self.who() else 401, "RepoNotFound", "Repository not found")
        return found

    def create(self, given: Any) -> Any:
        self.may_write()
        repo_id = f"{given['organization']}/{given['name']}"
        if repo_id in self.hub.repositories:
            raise RefusedError(409, message="You already created this dataset repo")
        repository = self.hub.repositories[repo_id] = Repository(given.get("visibility") == "private" or given.get("private") is True)
        repository.commit("main", {".gitattributes": self.kept(b"*.parquet filter=lfs\n")}, "initial commit")
        return {"url": f"{self.hub.url}/datasets/{repo_id}"}

    def mode(self, entry: Any, repository: Repository, revision: str) -> Any:
        there = repository.commits[repository.at(revision) or ""].get(entry["path"])
        large = entry["path"].endswith(LARGE)
        return {"path": entry["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": there.oid if there else None}

    def wanted(self, entry: Any) -> Any:
        if entry["oid"] in self.hub.objects:
            return entry
        return {**entry, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{entry['oid']}"}}}

    def put(self, path: str, body: bytes) -> Any:
        oid = hashlib.sha256(body).hexdigest()
        if path != f"/lfs/{oid}":
            raise RefusedError(400, message="the content is not what its oid says")
        self.hub.objects[oid] = body
        self.hub.received.append(oid)
        return {}

    def kept(self, content: bytes) -> Blob:
        oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        self.hub.objects[oid] = content
        return Blob(oid, len(content), False)

    def commit(self, repo_id: str, repository: Repository, branch: str, lines: Any) -> Any:
        header = lines[0]["value"]
        head = repository.branches[branch]
        if header.get("parentCommit") not in (None, head):
            raise RefusedError(412, message="A commit has happened since. Please refresh and try again.")
        files = dict(repository.commits[head])
        for line in lines[1:]:
            value = line["value"]
            match line["key"]:
                case "file":
                    files[value["path"]] = self.kept(base64.b64decode(value["content"]))
                case "lfsFile":
                    if value["oid"] not in self.hub.objects:
                        raise RefusedError(400, message=f"{value['path']} was not uploaded")
                    files[value["path"]] = Blob(value["oid"], value["size"], True)
                case "deletedFile":
                    del files[value["path"]]
        sha = repository.commit(branch, files, header["summary"])
        return {"success": True, "commitOid": sha, "commitUrl": f"{self.hub.url}/datasets/{repo_id}/commit/{sha}", "hookOutput": ""}

    def entry(self, name: str, blob: Blob) -> Any:
        plain = {"type": "file", "path": name, "size": blob.size, "oid": blob.oid}
        pointer = hashlib.sha1(blob.oid.encode()).hexdigest()
        return {**plain, "oid": pointer, "lfs": {"oid": blob.oid, "size": blob.size, "pointerSize": 130}} if blob.lfs else plain

    def download(self, repo_id: str, revision: str, name: str) -> tuple[bytes, dict[str, str]]:
        repository = self.repository(repo_id)
        sha = repository.at(revision)
        blob = repository.commits[sha].get(name) if sha else None
        if sha is None or blob is None:
            raise RefusedError(404, "EntryNotFound", f"no {name}")
        return self.hub.objects[blob.oid], {"X-Repo-Commit": sha, "ETag": f'"{blob.oid}"', "Content-Type": "application/octet-stream"}


@contextmanager
def hub_server() -> Iterator[Hub]:
    """A stand-in that listens on a free port of loopback until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
