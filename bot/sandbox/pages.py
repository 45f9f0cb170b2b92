"""What people would see on the simulated GitHub: the organisation's pull requests, and each with its check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from operator import itemgetter

from aiohttp import web
from markdown_it import MarkdownIt

from bot.sandbox.checks import CheckRun
from bot.sandbox.pulls import PullRequest
from bot.sandbox.talk import Comment, Review
from bot.sandbox.world import World
from bot.words import counted

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
_DID = {"APPROVED": "approved", "CHANGES_REQUESTED": "requested changes of", "COMMENTED": "commented on"}
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328}
table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{border:1px solid #d1d9e0;padding:.3rem .7rem;text-align:left}td:first-child{white-space:nowrap}
pre{background:#f6f8fa;border-radius:6px;padding:1rem;overflow-x:auto}
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
    yield f"<h1>{escape(pull.title)} <small>{escape(pull.repository.full_name)}#{pull.number}</small></h1>"
    who = pull.merged_by or pull.author
    does = "merged" if pull.merged else "wants to merge"
    size = counted(len(pull.commits), "commit")
    base = f"<code>{escape(pull.base_ref)}</code>"
    yield f"<p>{escape(who.login)} {does} {size} into {base}. <small>{pull.state}</small></p>"
    if pull.body:
        yield f"<section><p><b>{escape(pull.author.login)}</b></p>{_MARKDOWN.render(pull.body)}</section>"
    suite = pull.repository.suites.get(pull.head_sha)
    yield from (_check(run) for run in (suite.runs if suite is not None else ()))
    said = [(review.submitted_at, _review(review)) for review in pull.reviews]
    said += [(comment.created_at, _comment(comment)) for comment in pull.comments]
    yield from (text for _, text in sorted(said, key=itemgetter(0)))


def _review(review: Review) -> str:
    did = _DID.get(review.state, review.state)
    return f"<p><b>{escape(review.author.login)}</b> {did} <code>{review.commit_oid[:7]}</code></p>"


def _comment(comment: Comment) -> str:
    reactions = ", ".join(escape(each.content) for each in comment.reactions)
    return (
        f"<section><p><b>{escape(comment.author.login)}</b> "
        f"<small>{f'reactions: {reactions}' if reactions else ''}</small></p>{_MARKDOWN.render(comment.body)}</section>"
    )


def _check(run: CheckRun) -> str:
    state = run.conclusion or run.status
    buttons = " · ".join(escape(action["label"]) for action in run.actions)
    notes = "".join(
        f"<li>{escape(each['path'])}:{each['start_line']}: {escape(each['message'])}</li>" for each in run.annotations
    )
    return (
        f'<section><h2><span class="{state}">{escape(run.name)}: {state.replace("_", " ")}</span></h2>'
        f"<p><b>{escape(run.title or '')}</b></p>{_MARKDOWN.render(run.summary or '')}"
        f"{_MARKDOWN.render(run.text or '')}<ul>{notes}</ul>"
        f"<p><small>{buttons}</small></p></section>"
    )


def _page(title: str, body: str) -> web.Response:
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>{body}"
    )
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": _POLICY})
