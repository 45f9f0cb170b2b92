"""What a process may take that tries a policy: nobody has reviewed the policy yet, and others work beside it.

The kernel keeps the limits: whatever a library does meanwhile, and whoever holds the interpreter's lock, the process
fails or is ended. Where a system does not keep one, it is not kept (macOS counts no memory).
"""

import resource
from dataclasses import dataclass

from bot.words import counted


@dataclass(frozen=True, slots=True)
class Fence:
    """Bytes of ``memory`` for all of a process, and ``seconds`` of a processor for one batch of decisions."""

    memory: int = 1024**3
    seconds: int = 60

    def close(self) -> None:
        """Hold the process that calls to its memory from now on; when it is ended, it leaves no image of it."""
        _limit(resource.RLIMIT_DATA, self.memory)
        _limit(resource.RLIMIT_CORE, 0)

    def begin(self) -> None:
        """Give the process that calls its time, from now on."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + self.seconds)

    @property
    def spoken(self) -> str:
        """Both limits in words."""
        return (
            f"more than {self.memory // 1024**2:,} MiB of memory, or more than {counted(self.seconds, 'second')} of a "
            "processor"
        )


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
