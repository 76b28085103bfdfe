# SPDX-License-Identifier: MIT
"""Shares of the processor, where several machines are played on one.

Niceness counts among the threads of one session only where the kernel groups these (sched(7), autogroup): between sessions the group's own
niceness counts. Needs root.
"""
import os


def weigh(pid, niceness):
    """The session of `pid` as a whole. -> what it was; None where sessions are no groups."""
    try:
        with open(f'/proc/{pid}/autogroup', 'r+') as f:
            before = int(f.read().rsplit(None, 1)[1])
            f.seek(0)
            f.write(str(niceness))
            return before
    except (OSError, IndexError):
        return None


def put_first(stage):
    """This process and all that it starts, from now until the end."""
    os.nice(-20)
    before = weigh(os.getpid(), -20)
    if before is not None:
        stage.at_end(weigh, os.getpid(), before)
