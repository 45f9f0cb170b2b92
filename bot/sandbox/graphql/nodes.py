"""What the fields of the schema are asked of: a token's view of the organisation, and what git has where it stands."""

from dataclasses import dataclass
from typing import Any

from bot.sandbox.auth import Token
from bot.sandbox.git import FOLDER, Commit, blob_id, tree_id
from bot.sandbox.graphql.pages import Problem
from bot.sandbox.organisations import Organisation
from bot.sandbox.repositories import Repository
from bot.sandbox.world import World


@dataclass(frozen=True, slots=True)
class View:
    """The organisation as it is seen with a token."""

    world: World
    token: Token

    @property
    def organisation(self) -> Organisation:
        """Whose installation asks."""
        return self.token.installation.organisation

    @property
    def repositories(self) -> list[Repository]:
        """What the token can see."""
        return [each for each in self.token.installation.repositories if self.token.sees(each)]

    def need(self, permission: str) -> None:
        """Refuse a token that was not given ``permission``."""
        if permission not in self.token.permissions:
            raise Problem("FORBIDDEN", "Resource not accessible by integration")


@dataclass(frozen=True, slots=True)
class CommitIn:
    """A commit, and the repository in which it is looked at."""

    repository: Repository
    commit: Commit


@dataclass(frozen=True, slots=True)
class Tip:
    """A branch or a tag; ``oid`` is a commit or an annotated tag."""

    repository: Repository
    name: str
    oid: str


@dataclass(frozen=True, slots=True)
class TagIn:
    """An annotated tag, and the repository in which it is looked at."""

    repository: Repository
    oid: str

    @property
    def target(self) -> CommitIn:
        """The commit that it stands on."""
        return commit_in(self.repository, self.repository.tag_objects[self.oid])


@dataclass(frozen=True, slots=True)
class Blob:
    """A file's content."""

    text: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a commit; ``path`` is empty for the whole of it."""

    commit: Commit
    path: str

    @property
    def inside(self) -> dict[str, str]:
        """Everything in it, by its path from here."""
        start = f"{self.path}/" if self.path else ""
        files = self.commit.files
        return {path.removeprefix(start): text for path, text in files.items() if path.startswith(start)}

    @property
    def oid(self) -> str:
        """Git's id of it."""
        start = f"{self.path}/" if self.path else ""
        return tree_id(self.inside, {path.removeprefix(start): mode for path, mode in self.commit.modes.items()})

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What stands in it."""
        return [entry(self.commit, f"{self.path}/{name}".strip("/")) for name in self.names]

    @property
    def names(self) -> list[str]:
        """The names of what stands in it."""
        return sorted({path.partition("/")[0] for path in self.inside})


def entry(commit: Commit, path: str) -> dict[str, Any]:
    """A file or a folder of a commit, as its folder lists it."""
    name = path.rpartition("/")[2]
    if path in commit.files:
        return {"name": name, "mode": commit.mode(path), "oid": blob_id(commit.files[path]), "type": "blob"}
    return {"name": name, "mode": FOLDER, "oid": Folder(commit, path).oid, "type": "tree"}


def commit_in(repository: Repository, oid: str) -> CommitIn:
    """The commit of that id."""
    return CommitIn(repository, repository.history.commits[oid])
