"""A worker that is killed at any step: another one finishes the work, no effect is lost and none doubled."""

import pytest

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import rehearsal
from tests.scenarios.bank import SECRET, Bank, shown, subject
from tests.scenarios.dying import FATAL, die_at

TOGETHER = 4
"""The steps are shared out among so many tests, which can run beside each other."""


@pytest.mark.no_cover
@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(1, TOGETHER + 1))
async def test_a_worker_killed_at_any_step_loses_and_doubles_nothing(
    gh: SimulatedGitHub, database_url: str, first: int
) -> None:
    async with rehearsal(gh, database_url, SECRET, patience=FATAL) as countersign:
        bank = Bank.found(gh)
        await countersign.settle()
        fatal, killed = first, True
        while killed:
            await countersign.stop_worker()
            pull = bank.ledger.open_pull_request(
                by=bank.alice, title="Balance", files={f"{fatal}.py": "1\n"}, branch=f"change-{fatal}"
            )
            pull.review(by=bank.bob, state="APPROVED")
            pull.review(by=bank.carol, state="APPROVED")
            comment = pull.comment(by=bank.alice, body="/explain")
            await gh.settle()
            killed = await die_at(countersign, fatal)
            await countersign.start_worker()
            await countersign.settle()

            assert shown(pull)[0] == "success", fatal
            ours = [check for check in bank.ledger.check_runs if check.head_sha == pull.head_sha]
            assert [check.name for check in ours] == [CHECK], fatal
            assert len([each for each in pull.comments if each.author.login.endswith("[bot]")]) == 1, fatal
            assert [reaction.content for reaction in comment.reactions] == ["eyes", "+1"], fatal
            kinds = [kind for kind, about in await countersign.ledger() if about == subject(pull)]
            assert kinds.count("countersign:decision:made") == 1, fatal
            assert kinds.count("person:command:done") == 1, fatal
            assert "countersign:effect:published" in kinds, fatal
            fatal += TOGETHER
        assert fatal > 5 * TOGETHER, "the worker was hardly ever killed"
