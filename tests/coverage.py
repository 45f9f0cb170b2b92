"""Reports the coverage of the last run and demands it: everything of what decides, nearly everything of the rest."""

import fnmatch
import io
import sys

from coverage import Coverage

WHOLE = 95.0
PURE = (
    "bot/changes/announcements.py",
    "bot/changes/cab.py",
    "bot/changes/closing.py",
    "bot/changes/conflicts.py",
    "bot/changes/context.py",
    "bot/changes/effects.py",
    "bot/changes/emergency.py",
    "bot/changes/evidence.py",
    "bot/changes/faults.py",
    "bot/changes/fill.py",
    "bot/changes/findings.py",
    "bot/changes/guards.py",
    "bot/changes/hearing.py",
    "bot/changes/twin.py",
    "bot/changes/lifecycle.py",
    "bot/changes/model.py",
    "bot/changes/needs.py",
    "bot/changes/obstacles.py",
    "bot/changes/planning.py",
    "bot/changes/plans.py",
    "bot/changes/refusals.py",
    "bot/changes/release.py",
    "bot/changes/reviews.py",
    "bot/changes/rounds.py",
    "bot/changes/verification.py",
    "bot/changes/waivers.py",
    "bot/changes/wording.py",
    "bot/deployments/windows.py",
    "bot/decide/*",
    "bot/facts/diffs.py",
    "bot/facts/model.py",
    "bot/facts/parse.py",
    "bot/facts/people.py",
    "bot/policy/model.py",
    "bot/policy/layers.py",
    "bot/policy/own.py",
    "bot/policy/tiers.py",
    "bot/policy/tightening.py",
    "bot/policy/validation.py",
    "bot/policy/values.py",
    "bot/policy/expressions.py",
    "bot/policy/vocabulary.py",
    "bot/policy/faults.py",
    "bot/policy/scalars.py",
    "bot/policy/schema.py",
    "bot/policy/cost.py",
    "bot/policy/named.py",
    "bot/policy/near.py",
    "bot/policy/recurrence.py",
    "bot/policy/patterns.py",
    "bot/policy/demands.py",
    "bot/policy/written.py",
    "bot/policy/reference.py",
    "bot/policy/inventory.py",
    "bot/policy/controls.py",
    "bot/policy/controls_page.py",
    "bot/publish/effects.py",
    "bot/publish/plan.py",
    "bot/publish/preview.py",
    "bot/publish/render.py",
    "bot/commands/parse.py",
    "bot/trial/model.py",
    "bot/ingest/events.py",
    "bot/ingest/signature.py",
    "bot/ingest/translate.py",
)


def main() -> int:
    """Print the table; 1 when a figure is not reached."""
    measured = Coverage()
    measured.combine() if not _has_data(measured) else measured.load()
    whole = measured.report(file=sys.stdout)
    pure = [name for name in measured.get_data().measured_files() if any(fnmatch.fnmatch(name, f"*/{p}") for p in PURE)]
    lacking = io.StringIO()
    part = measured.report(morfs=pure, file=lacking)
    sys.stdout.write(f"Lines and branches covered: {whole:.1f} % of bot/; {len(pure)} modules are pure.\n")
    if part < 100:
        sys.stdout.write(f"Of the pure modules, all is to be covered, and this is not:\n{lacking.getvalue()}")
    if whole < WHOLE:
        sys.stdout.write(f"Of bot/, {WHOLE:.0f} % are to be covered.\n")
    if whole < WHOLE or part < 100 or not pure:
        return 1
    return 0


def _has_data(measured: Coverage) -> bool:
    measured.load()
    return bool(measured.get_data().measured_files())


if __name__ == "__main__":
    sys.exit(main())
