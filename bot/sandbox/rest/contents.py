"""Files.

https://docs.github.com/rest/repos/contents
"""

import base64
from typing import Any

from bot.sandbox.git import blob_id, tree_id
from bot.sandbox.repositories import Repository
from bot.sandbox.rest.checks import commit
from bot.sandbox.rest.routing import Answer, Call, route
from bot.sandbox.rules import not_found


@route("GET", "/repos/{owner}/{repo}/contents/{path}", "contents:read")
def contents(call: Call) -> Answer:
    """A file, or the list of a folder."""
    repository = call.repository
    ref = call.query.get("ref", repository.default_branch)
    files = commit(repository, ref).files
    path = call.params["path"].strip("/")
    if path in files:
        return Answer(200, {**_entry(repository, path, files[path], ref), **_content(files[path])})
    folder = f"{path}/" if path else ""
    inside = {name.removeprefix(folder): text for name, text in files.items() if name.startswith(folder)}
    if not inside:
        raise not_found()
    listed: dict[str, Any] = {}
    for name in sorted(inside):
        first, _, deeper = name.partition("/")
        listed[first] = (
            _folder(repository, folder + first, files, ref)
            if deeper
            else _entry(repository, folder + first, inside[name], ref)
        )
    return Answer(200, list(listed.values()))


def _entry(repository: Repository, path: str, text: str, ref: str) -> dict[str, Any]:
    return _common(repository, path, blob_id(text), ref, kind="file", size=len(text.encode()))


def _folder(repository: Repository, path: str, files: Any, ref: str) -> dict[str, Any]:
    inside = {name.removeprefix(f"{path}/"): text for name, text in files.items() if name.startswith(f"{path}/")}
    return _common(repository, path, tree_id(inside), ref, kind="dir", size=0)


def _common(repository: Repository, path: str, sha: str, ref: str, *, kind: str, size: int) -> dict[str, Any]:
    api = f"{repository.world.api_url}/repos/{repository.full_name}"
    url, git = f"{api}/contents/{path}?ref={ref}", f"{api}/git/{'blobs' if kind == 'file' else 'trees'}/{sha}"
    html = f"{repository.url}/{'blob' if kind == 'file' else 'tree'}/{ref}/{path}"
    return {
        "type": kind,
        "size": size,
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "url": url,
        "git_url": git,
        "html_url": html,
        "download_url": f"{repository.url}/raw/{ref}/{path}" if kind == "file" else None,
        "_links": {"self": url, "git": git, "html": html},
    }


def _content(text: str) -> dict[str, str]:
    return {"encoding": "base64", "content": base64.encodebytes(text.encode()).decode()}


@route("GET", "/repos/{owner}/{repo}/git/blobs/{file_sha}", "contents:read")
def blob(call: Call) -> Answer:
    """The content of a blob."""
    repository, sha = call.repository, call.params["file_sha"]
    for made in repository.history.commits.values():
        for text in made.files.values():
            if blob_id(text) == sha:
                url = f"{call.world.api_url}/repos/{repository.full_name}/git/blobs/{sha}"
                size = len(text.encode())
                body = {**_content(text), "url": url, "sha": sha, "size": size, "node_id": f"B_{sha}"}
                return Answer(200, body)
    raise not_found()
