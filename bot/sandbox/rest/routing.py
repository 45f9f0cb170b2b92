"""One table of routes: what each needs, and the function that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from bot.sandbox.auth import Token, allows
from bot.sandbox.rules import Refused, not_found
from bot.sandbox.world import World

if TYPE_CHECKING:
    from bot.sandbox.pulls import PullRequest
    from bot.sandbox.repositories import Repository
    from bot.sandbox.simulation import SimulatedGitHub

T = TypeVar("T")
MOST_PER_PAGE, USUAL_PER_PAGE = 100, 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub answers; a ``body`` of None is none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Moved(Exception):
    """The repository has another name now; ``path`` is where it is found for ever."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the API: ``token`` is None when the App itself asks."""

    github: SimulatedGitHub
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    token: Token | None
    path: str

    @property
    def world(self) -> World:
        """Everything that there is."""
        return self.github.world

    @property
    def installation_token(self) -> Token:
        """The token of the installation that asks."""
        assert self.token is not None
        return self.token

    def number(self, name: str) -> int:
        """A number in the path."""
        text = self.params[name]
        if not text.isdecimal():
            raise not_found()
        return int(text)

    @property
    def repository(self) -> Repository:
        """The repository of the path.

        Raises:
            Refused: there is none, or the installation cannot see it.
            Moved: it has another name now.

        """
        if "repository_id" in self.params:
            found = self.world.repositories.get(self.number("repository_id"))
        else:
            found = self.world.repository(self.params["owner"], self.params["repo"])
        token = self.installation_token
        if found is None or found.organisation is not token.installation.organisation:
            raise not_found()
        if not token.sees(found):
            raise not_found()
        if "owner" in self.params:
            asked = f"{self.params['owner']}/{self.params['repo']}"
            if asked.lower() != found.full_name.lower():
                _, _, rest = self.path.removeprefix("/repos/").partition("/")[2].partition("/")
                raise Moved(f"/repositories/{found.id}" + (f"/{rest}" if rest else ""))
        return found

    def pull(self, name: str = "pull_number") -> PullRequest:
        """The pull request of the path."""
        pull = self.repository.pulls.get(self.number(name))
        if pull is None:
            raise not_found()
        return pull

    def paged(self, items: Sequence[T], shape: Callable[[T], Any], *, key: str | None = None) -> Answer:
        """One page of ``items``, with links to the others; ``key`` is where an answer that is no list holds them."""
        per_page = _within(self.query.get("per_page"), USUAL_PER_PAGE, MOST_PER_PAGE)
        page = _within(self.query.get("page"), 1, None)
        last = max(1, -(-len(items) // per_page))
        shown = [shape(each) for each in items[(page - 1) * per_page : page * per_page]]
        others = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        wanted = [name for name, is_there in _others(page, last).items() if is_there]
        links = [self.link(name, page=str(others[name])) for name in wanted]
        headers = {"Link": ", ".join(links)} if links else {}
        return Answer(200, shown if key is None else {"total_count": len(items), key: shown}, headers)

    def link(self, name: str, **changed: str) -> str:
        """A link to another page of the same list."""
        query = urlencode({**self.query, **changed})
        return f'<{self.world.api_url}{self.path}?{query}>; rel="{name}"'


def _others(page: int, last: int) -> Mapping[str, bool]:
    return {"prev": page > 1, "next": page < last, "last": page < last, "first": page > 1}


def _within(text: str | None, usual: int, most: int | None) -> int:
    number = int(text) if text is not None and text.isdecimal() else usual
    number = max(1, number)
    return number if most is None else min(number, most)


Handler = Callable[[Call], Answer]

_MANY_SEGMENTS = {"path": ".*", "ref": ".+", "basehead": ".+"}
"""What may have slashes in it, as the names of branches do."""


@dataclass(frozen=True, slots=True)
class Route:
    """An operation. ``template`` is GitHub's own; ``needs``: one of these permissions at these levels.

    ``as_app``: only the App itself may ask. ``open``: anybody may.
    """

    method: str
    template: str
    needs: tuple[tuple[str, str], ...]
    as_app: bool
    handler: Handler
    open: bool = False

    @property
    def paths(self) -> Iterable[str]:
        """Where it is served: a repository also has an address that outlives its name."""
        path = self.template
        for name, any_depth in _MANY_SEGMENTS.items():
            path = path.replace(f"{{{name}}}", f"{{{name}:{any_depth}}}")
        yield path
        if path.startswith("/repos/{owner}/{repo}"):
            yield path.replace("/repos/{owner}/{repo}", "/repositories/{repository_id}", 1)

    @property
    def is_open_ended(self) -> bool:
        """Whether its paths end in something that can have any depth, so that others must be looked at before."""
        return any(self.template.endswith(f"{{{name}}}") for name in _MANY_SEGMENTS)

    def admit(self, token: Token | None) -> None:
        """Refuse whoever may not do that."""
        if self.open or (self.as_app and token is None):
            return
        if self.as_app:
            raise Refused("A JSON web token could not be decoded", status=401)
        if token is None:
            raise not_found() if self.needs else Refused("Bad credentials", status=401)
        if self.needs and not any(allows(token.permissions, key, level) for key, level in self.needs):
            raise Refused("Resource not accessible by integration", status=403)


ROUTES: list[Route] = []


def route(method: str, template: str, *needs: str, as_app: bool = False) -> Callable[[Handler], Handler]:
    """Put the function into the table; ``needs`` are written ``checks:write``."""
    pairs = tuple((key, level) for key, _, level in (need.partition(":") for need in needs))

    def add(handler: Handler) -> Handler:
        ROUTES.append(Route(method, template, pairs, as_app, handler))
        return handler

    return add
