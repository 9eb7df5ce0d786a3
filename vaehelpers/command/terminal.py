"""What a command shows, and what the code of others that it runs may not do to that.

A stranger's file prints, from Python and from C, ends the process and warns: none of that may look
like an answer, to a person or to a machine.
"""

import ctypes
import logging
import os
import sys
import threading
import time
import warnings
from contextlib import contextmanager, redirect_stdout, suppress
from itertools import product

NOT_PRINTED = 2  # exit statuses; a shell's own for the others
INTERRUPTED = 130
PIPE_CLOSED = 141
WAITING = "vaehelpers, after"  # how each line begins that says what is being done
EVERY = 2.0  # seconds, in which a command says what it is doing
PACKAGE = __name__.partition(".")[0]


def printable(text, keep="\n"):
    r"""The text with its control characters, which would act on the terminal, written out.

    Args:
        text: of anybody.
        keep: those that stay; "" for what is to be one line.

    Example:
        >>> printable("a\x1b[2Jb\n")
        'a\\x1b[2Jb\n'
    """
    signs = [sign if sign.isprintable() or sign in keep else ascii(sign)[1:-1] for sign in text]
    return "".join(signs)


@contextmanager
def answers_only(refuse, statuses):
    """Keep stdout, and the exit statuses that mean an answer, from what is run within.

    Args:
        refuse: called with a sentence where what is run would end the process with one of the
            statuses; it prints, and returns the exit status instead.
        statuses: those that mean an answer.
    """
    flush_all()
    stdout = _instead_of_stdout()
    before = _doors()
    end = os._exit
    process = os.getpid()

    def guarded(name, door):
        def ends(*arguments, **named):
            first = [*arguments, *named.values()][0]
            means_an_answer = name != "_exit" or first & 0xFF in statuses  # what the system keeps
            if os.getpid() != process or not means_an_answer:
                return door(*arguments, **named)  # a child's own end, or a status that says enough
            _back_to(stdout)
            with redirect_stdout(sys.__stdout__):
                status = refuse(f"it ends the process, by os.{name}({first!r})")
            flush_all()
            end(status)

        return ends

    for at, name, door in before:
        setattr(at, name, guarded(name, door))
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        for at, name, door in before:
            setattr(at, name, door)
        _back_to(stdout)


def _doors():
    """The functions that end a process, each with the module that has it and its name."""
    at_and_name = product((os, sys.modules[os.name]), ("_exit", "execv", "execve"))
    return [(at, name, getattr(at, name)) for at, name in at_and_name if hasattr(at, name)]


def _instead_of_stdout():
    """A copy of descriptor 1, which is stderr's from now on; `None` where one of them is closed."""
    try:
        stdout = os.dup(1)
        os.dup2(2, 1)
    except OSError:
        return None
    return stdout


def _back_to(stdout):
    flush_all()
    if stdout is not None:
        os.dup2(stdout, 1)
        os.close(stdout)


def flush_all():
    """Write out what Python and C still hold back of what was printed."""
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)


class Progress(logging.Handler):
    """Says on stderr, every few seconds, what a log said last: what is being done.

    Args:
        every: seconds.
    """

    def __init__(self, every):
        super().__init__(logging.INFO)
        self.every = every
        self.doing = "at the beginning"
        self.over = threading.Event()

    def emit(self, record):
        """Keep what is done from now on."""
        self.doing = record.getMessage()

    def speak(self):
        """Print a line in each interval until it is over."""
        started = time.monotonic()
        while sys.stderr and not self.over.wait(self.every):
            said = f"{time.monotonic() - started:.0f} s: {printable(self.doing, keep='')}"
            print(f"{WAITING} {said}", file=sys.stderr, flush=True)


@contextmanager
def saying_what_it_does(aloud=True, every=None):
    """Say what takes the package so long, and keep NumPy's warnings of its arithmetic to itself.

    Args:
        aloud: whether to say anything.
        every: seconds, also before the first line; EVERY by default.
    """
    log = logging.getLogger(PACKAGE)
    level = log.level
    progress = Progress(every or EVERY)
    voice = threading.Thread(target=progress.speak, daemon=True)
    log.addHandler(progress)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        if aloud:
            voice.start()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=PACKAGE)
            yield
    finally:
        progress.over.set()
        if voice.is_alive():
            voice.join()
        log.removeHandler(progress)
        log.setLevel(level)
        log.propagate = True


def status_of(run):
    """The exit status of a command that prints; one line, or none, where it was broken off.

    Args:
        run: the command, which returns its status.
    """
    try:
        status = run()
        if sys.stdout:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:  # where the answer goes is closed, or full
        with suppress(OSError, ValueError, AttributeError):  # what is still held goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return PIPE_CLOSED
        print(f"The answer could not be printed: {error}", file=sys.stderr)
        return NOT_PRINTED
    return status
