# SPDX-License-Identifier: MIT
"""Memory, descriptors and processor time of a process."""
import os


class Meter:
    def __init__(self, pid):
        self.pid = pid

    def rss_mib(self):
        with open(f'/proc/{self.pid}/statm') as f:
            return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1048576

    def descriptors(self):
        return len(os.listdir(f'/proc/{self.pid}/fd'))

    def cpu_s(self):
        with open(f'/proc/{self.pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
