# SPDX-License-Identifier: MIT
"""The result, for people."""
import collections

ROWS = ('sent', 'delivered', 'returned', 'answered', 'cut', 'never taken', 'kept', 'crossed', 'silent peer', 'kill -9', 'reply kept', 'reply never taken', 'result not deliverable',
        'request delivered, then returned', 'sent again by its sender', 'doubled, unavoidable', 'answered twice, unavoidable', 'returned twice, unavoidable', 'delivered and returned, unavoidable',
        'overtaken over another connection')


def rows_of(directions, name):
    counters = [getattr(d, name) for d in directions]
    keys = [r for r in ROWS if any(c[r] for c in counters)] if name == 'counts' else sorted(set().union(*counters))
    return [(key, *(c[key] for c in counters)) for key in keys if not key.endswith(': ')]


def show(say, directions, wrong, faults, flat):
    say(f'{"":52} {"out":>9} {"in":>9}')
    for key, *numbers in rows_of(directions, 'counts'):
        say(f'{key:52} {numbers[0]:9} {numbers[1]:9}')
    say('anomalies' + ('' if any(d.anomalies for d in directions) or wrong else ': none'))
    for key, *numbers in rows_of(directions, 'anomalies') + rows_of(directions, 'where'):
        say(f'  {key:50} {numbers[0]:9} {numbers[1]:9}')
    for key, number in sorted(wrong.items()):
        say(f'  {key:50} {number:9}')
    names = collections.Counter(f['name'] for f in faults)
    say('faults: ' + (', '.join(f'{count} {name}' for name, count in names.most_common()) or 'none'))
    for line in flat:
        say(line)


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def delays(direction):
    """Seconds from sent to delivered: median, 99 of 100, longest."""
    t = direction.t
    took = [t.got_at[s] - t.sent_at[s] for s in range(1, t.count + 1) if t.got[s]]
    return [quantile(took, share) for share in (0.5, 0.99, 1)] if took else [0, 0, 0]
