"""What a board that sent a change back has said against it. Pure."""

from bot.changes.cab import CountedVote
from bot.changes.model import Change, Choice, Decided, Round, State, Vote

_AGAINST = {Choice.REJECT, Choice.DEFER}


def sent_back(change: Change) -> Round | None:
    """The round in which its board sent the change back; None where it did not, or was asked or overtaken since."""
    if change.state is not State.DRAFT or not change.decided or change.request is not None:
        return None
    last, declared = change.decided[-1], change.emergency
    is_another = declared is not None and declared.at >= last.at
    return None if is_another or last.outcome is Decided.APPROVED else last


def against(change: Change, decided: Round) -> tuple[Vote, ...]:
    """The votes to reject or to defer that counted when it was decided, in the order of their time."""
    votes = [each.vote for each in counted(change, decided) if not each.reason]
    return tuple(vote for vote in votes if vote.choice in _AGAINST)


def counted(change: Change, decided: Round) -> tuple[CountedVote, ...]:
    """Each vote of a round in the order of their time, as it was counted then; none where that was not written down."""
    said = sorted((vote for vote in change.votes if vote.round == decided.number), key=lambda vote: vote.at)
    signs = decided.signs or ("",) * len(said)
    return tuple(CountedVote(*each) for each in zip(said, decided.uncounted, signs, strict=False))
