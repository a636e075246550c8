"""What a test may cost: processor seconds, which a busy machine doesn't make more of, and never time on the wall."""

import time
from contextlib import contextmanager


@contextmanager
def at_most(seconds: float):
    """Fail where the block takes more of the processor's time, in this thread alone.

    `seconds` is twenty times what was measured, or more: it tells a linear cost from a quadratic one, not a fast
    processor from a slow one.
    """
    started = time.thread_time()
    yield
    spent = time.thread_time() - started
    assert spent <= seconds, f"{spent:.1f} processor seconds instead of at most {seconds}"
