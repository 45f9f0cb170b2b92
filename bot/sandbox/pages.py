"""What people would see on the simulated GitHub: the organisation's pull requests, and each with its check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from aiohttp import web
from markdown_it import MarkdownIt

from bot.sandbox.checks import CheckRun
from bot.sandbox.pulls import PullRequest
from bot.sandbox.world import World

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328}
table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{border:1px solid #d1d9e0;padding:.3rem .7rem;text-align:left}
section{border:1px solid #d1d9e0;border-radius:6px;padding:0 1rem;margin:1rem 0}small{color:#59636e}
.success{color:#1a7f37}.failure{color:#cf222e}.action_required{color:#9a6700}a{color:#0969da}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages."""

    world: World

    def application(self) -> web.Application:
        """Everything that is served."""
        app = web.Application()
        app.router.add_get("/", self._index)
        app.router.add_get("/{owner}/{name}/pull/{number}", self._pull)
        return app

    async def _index(self, _request: web.Request) -> web.Response:
        rows = [
            f'<li><a href="{pull.url}">{escape(repository.full_name)}#{pull.number}</a> {escape(pull.title)} '
            f"<small>{'merged' if pull.merged else pull.state}</small></li>"
            for repository in self.world.repositories.values()
            for pull in repository.pulls.values()
        ]
        return _page("Pull requests", f"<h1>Pull requests</h1><ul>{''.join(rows)}</ul>")

    async def _pull(self, request: web.Request) -> web.Response:
        repository = self.world.repository(request.match_info["owner"], request.match_info["name"])
        number = request.match_info["number"]
        pull = repository.pulls.get(int(number)) if repository is not None and number.isdecimal() else None
        if pull is None:
            raise web.HTTPNotFound
        return _page(f"#{pull.number} {pull.title}", "".join(_shown(pull)))


def _shown(pull: PullRequest) -> Iterator[str]:
    state = "merged" if pull.merged else pull.state
    yield f"<h1>{escape(pull.title)} <small>{escape(pull.repository.full_name)}#{pull.number}</small></h1>"
    yield f"<p>{escape(pull.author.login)} wants to merge {len(pull.commits)} commits. <small>{state}</small></p>"
    suite = pull.repository.suites.get(pull.head_sha)
    yield from (_check(run) for run in (suite.runs if suite is not None else ()))
    for review in pull.reviews:
        yield f"<p>{escape(review.author.login)}: {review.state} of <code>{review.commit_oid[:7]}</code></p>"
    for comment in pull.comments:
        reactions = " ".join(escape(each.content) for each in comment.reactions)
        yield (
            f"<section><p><b>{escape(comment.author.login)}</b> <small>{reactions}</small></p>"
            f"{_MARKDOWN.render(comment.body)}</section>"
        )


def _check(run: CheckRun) -> str:
    state = run.conclusion or run.status
    buttons = " · ".join(escape(action["label"]) for action in run.actions)
    notes = "".join(
        f"<li>{escape(each['path'])}:{each['start_line']}: {escape(each['message'])}</li>" for each in run.annotations
    )
    return (
        f'<section><h2><span class="{state}">{escape(run.name)}: {state}</span></h2><p><b>{escape(run.title or "")}</b>'
        f"</p>{_MARKDOWN.render(run.summary or '')}{_MARKDOWN.render(run.text or '')}<ul>{notes}</ul>"
        f"<p><small>{buttons}</small></p></section>"
    )


def _page(title: str, body: str) -> web.Response:
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>{body}"
    )
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": _POLICY})
