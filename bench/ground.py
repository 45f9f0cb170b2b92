"""What the benchmarks stand on: a durable PostgreSQL of their own, fresh databases in it, and other processes."""

import asyncio
import logging
import multiprocessing
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import uvloop
from psycopg import sql

from bot import telemetry
from bot.store import embedded
from bot.store.migrate import migrate

FOLDER = Path("var") / "bench"
PATIENCE = 30.0
"""Seconds that a process may take to be ready, and to end."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A PostgreSQL server, and how often each figure is measured."""

    server: str
    runs: int

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new, migrated database, dropped at the end of the block."""
        name = f"bench_{os.getpid()}_{time.monotonic_ns()}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = urlsplit(self.server)._replace(path=f"/{name}").geturl()
        try:
            migrate(url)
            yield url
        finally:
            with psycopg.connect(self.server, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def prepared(runs: int) -> Iterator[Ground]:
    """The embedded PostgreSQL as the product starts it, with every setting that makes a commit durable left on."""
    server = embedded.start(FOLDER)
    try:
        yield Ground(server, runs)
    finally:
        embedded.stop(FOLDER)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def program(command: Sequence[str], environment: Mapping[str, str], *, ready: str) -> Iterator[subprocess.Popen[str]]:
    """A program that runs while the block does; it is ready when something answers at the address ``ready``."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        _await_answer(process, ready)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_answer(process: subprocess.Popen[str], address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended at once: {process.communicate()[1].strip()}")
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{process.args!r} does not answer at {address}")


Answers = Callable[[Any], Any]
Serve = Callable[["Questions"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Questions:
    """The child's end: what the benchmark asks it, until the benchmark is done."""

    connection: Connection

    async def answer(self, answers: Answers, *, ready: Any = None) -> None:
        """Say that it is ready, and answer every question; returns when there are no more."""
        self.connection.send(ready)
        while (question := await asyncio.to_thread(self.connection.recv)) is not None:
            self.connection.send(answers(question))


@dataclass(frozen=True, slots=True)
class Child:
    """A process of its own, and what it said when it was ready."""

    ready: Any
    _connection: Connection

    def ask(self, question: Any) -> Any:
        """Its answer."""
        self._connection.send(question)
        return self._connection.recv()


@contextmanager
def child(serve: Callable[..., Awaitable[None]], *arguments: Any) -> Iterator[Child]:
    """Run ``serve(questions, *arguments)`` in a new process, on an event loop of its own, while the block runs."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(serve, there, arguments))
    process.start()
    there.close()
    try:
        yield Child(here.recv(), here)
    finally:
        try:
            here.send(None)
        except OSError:
            process.terminate()
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()


def _serve(serve: Callable[..., Awaitable[None]], connection: Connection, arguments: tuple[Any, ...]) -> None:
    telemetry.configure(None, level=logging.ERROR)

    async def work() -> None:
        await serve(Questions(connection), *arguments)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
