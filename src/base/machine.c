/* SPDX-License-Identifier: MIT */
/*
 * machine.c — moves along a table, the same for every machine.
 *
 * A row is found by looking at all of them: tables have a few dozen, and a stream makes a dozen
 * moves in its life. What happens per stanza reads the state and makes no move.
 */
#include <xfed/base/machine.h>

#include <stdio.h>

static unsigned *state_of(const struct xf_machine *machine, void *self)
{
    return (unsigned *)((char *)self + machine->state_at);
}

static const struct xf_machine_row *find_row(const struct xf_machine *machine, unsigned state,
                                             unsigned event)
{
    if (state == machine->final)
        return NULL;
    for (size_t i = 0; i < machine->row_count; i++) {
        const struct xf_machine_row *row = &machine->rows[i];
        if ((row->in == state || row->in == XF_MACHINE_ANY) && row->on == event)
            return row;
    }
    return NULL;
}

unsigned xf_machine_next(const struct xf_machine *machine, unsigned state, unsigned event)
{
    const struct xf_machine_row *row = find_row(machine, state, event);
    return row ? row->to : XF_MACHINE_NONE;
}

static void miss(const struct xf_machine *machine, void *self, unsigned event)
{
    char text[120];
    if (machine->missing) {
        machine->missing(self, event);
        return;
    }
    snprintf(text, sizeof(text), "a row of the %s for %s on %s", machine->name,
             machine->states[*state_of(machine, self)], machine->events[event]);
    xf_require_failed(text, __FILE__, __LINE__);
}

static void move(const struct xf_machine *machine, void *self, const struct xf_machine_row *row)
{
    unsigned *state = state_of(machine, self);
    const char *from = machine->states[*state];
    *state = row->to;
    machine->log(self, from, machine->events[row->on], machine->states[row->to]);
    if (machine->moved)
        machine->moved(self);
    machine->check(self, false);
    if (row->action)
        machine->run(self, row->action);
    if (row->to != machine->parting)
        machine->check(self, true);
}

void xf_machine_fire(const struct xf_machine *machine, void *self, unsigned event)
{
    unsigned state = *state_of(machine, self);
    if (state == machine->final)
        return;
    const struct xf_machine_row *row = find_row(machine, state, event);
    if (row)
        move(machine, self, row);
    else
        miss(machine, self, event);
}
