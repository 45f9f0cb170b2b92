"""What people see on the simulated GitHub."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.sandbox import SimulatedGitHub


@pytest.fixture
async def github() -> AsyncIterator[SimulatedGitHub]:
    async with SimulatedGitHub.start(webhook_secret="") as github:
        yield github


async def shown(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as page:
        if page.status == 200:
            assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        return page.status, await page.text()


async def test_the_first_page_lists_every_pull_request(github: SimulatedGitHub) -> None:
    house = github.organisation("house")
    ann = house.person("ann")
    shop = house.repository("shop")
    merged = shop.open_pull_request(by=ann, title="One <b>", files={"one.txt": "1\n"})
    merged.merge(by=ann)
    waiting = shop.open_pull_request(by=ann, title="Two", files={"two.txt": "1\n"})
    status, page = await shown(github.web_url)
    assert status == 200
    assert f'<a href="{merged.url}">house/shop#1</a> One &lt;b&gt; <small>merged</small>' in page
    assert f'<a href="{waiting.url}">house/shop#2</a> Two <small>open</small>' in page
    assert "ann merged 1 commit into <code>main</code>." in (await shown(merged.url))[1]
    assert "ann wants to merge 1 commit into <code>main</code>." in (await shown(waiting.url))[1]


async def test_a_pull_request_has_its_check_its_reviews_and_its_comments(github: SimulatedGitHub) -> None:
    house = github.organisation("house")
    ann, ben = house.person("ann"), house.person("ben")
    shop = house.repository("shop")
    bare = shop.open_pull_request(by=ann, title="Bare", files={"two.txt": "1\n"})
    assert "<section>" not in (await shown(bare.url))[1]
    pull = shop.open_pull_request(
        by=ann, title="Close & lock", files={"one.txt": "1\n"}, body="## Backout plan\n\nOpen it."
    )
    assert "<h2>Backout plan</h2>" in (await shown(pull.url))[1]
    note = {"path": "one.txt", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "<Look>"}
    fields = {
        "conclusion": "failure",
        "output": {"title": "One < two", "summary": "**Two** are missing.", "annotations": [note]},
        "actions": [{"label": "Look again", "description": "Now.", "identifier": "recheck"}],
    }
    shop.create_check_run("control", pull.head_sha, fields, by=ann)
    shop.create_check_run("other", pull.head_sha, {"status": "queued"}, by=ann)
    shop.create_check_run("third", pull.head_sha, {"conclusion": "action_required"}, by=ann)
    pull.review(by=ben, state="APPROVED")
    pull.comment(by=ben, body="| a |\n|---|\n| *b* |").react(by=ann, content="eyes")
    status, page = await shown(pull.url)
    assert status == 200
    for part in (
        "Close &amp; lock",
        'class="failure">control: failure',
        'class="queued">other: queued',
        'class="action_required">third: action required',
        "One &lt; two",
        "<strong>Two</strong> are missing.",
        "one.txt:1: &lt;Look&gt;",
        "Look again",
        f"<b>ben</b> approved <code>{pull.head_sha[:7]}</code>",
        "<small>reactions: eyes</small>",
        "<td><em>b</em></td>",
    ):
        assert part in page


async def test_what_is_not_there_is_not_shown(github: SimulatedGitHub) -> None:
    github.organisation("house").repository("shop")
    for path in ("/house/shop/pull/1", "/house/shop/pull/one", "/house/nothing/pull/1", "/house"):
        assert (await shown(f"{github.web_url}{path}"))[0] == 404
