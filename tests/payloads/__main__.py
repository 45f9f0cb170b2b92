"""``python -m tests.payloads``: fetch the payloads, so that the tests need no network."""

import sys

from tests.payloads.fetch import NotFetched, fetch


def main() -> int:
    """0 when they are there; 1, with one sentence, when they could not be fetched."""
    try:
        fetch()
    except NotFetched as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
