/* SPDX-License-Identifier: MIT */
/* tables.c — is a state machine's table sound, and is it what a test expects? */
#include "tables.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *said(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *said(const char *fmt, ...)
{
    static char text[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return text;
}

/* ------------------------------------------------------------------ soundness */

static const char *unnamed(const char *const *names, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        if (!names[i] || !*names[i])
            return said("%s %zu has no name", what, i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(names[i], names[k]) == 0)
                return said("%s %zu and %zu have one name: %s", what, k, i, names[i]);
    }
    return NULL;
}

static bool is_state(const struct xf_machine *machine, unsigned value)
{
    return value < machine->state_count;
}

static const char *out_of_range(const struct xf_machine *machine)
{
    for (size_t i = 0; i < machine->row_count; i++) {
        const struct xf_machine_row *row = &machine->rows[i];
        bool begins = is_state(machine, row->in) || row->in == XF_MACHINE_ANY;
        if (!begins || !is_state(machine, row->to) || row->on >= machine->event_count)
            return said("row %zu is out of range", i);
        if (row->in == machine->final && row->in != XF_MACHINE_ANY)
            return said("row %zu leaves the final state", i);
    }
    return is_state(machine, machine->first) ? NULL : "the first state is out of range";
}

static const char *ambiguous(const struct xf_machine *machine)
{
    for (size_t i = 0; i < machine->row_count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct xf_machine_row *one = &machine->rows[k], *other = &machine->rows[i];
            bool meet =
                one->in == other->in || one->in == XF_MACHINE_ANY || other->in == XF_MACHINE_ANY;
            if (meet && one->on == other->on)
                return said("rows %zu and %zu are both for %s", k, i, machine->events[one->on]);
        }
    return NULL;
}

static const char *unreached(const struct xf_machine *machine)
{
    bool reached[UINT8_MAX] = {false};
    reached[machine->first] = true;
    for (size_t round = 0; round < machine->state_count; round++)
        for (size_t i = 0; i < machine->row_count; i++)
            if (machine->rows[i].in == XF_MACHINE_ANY || reached[machine->rows[i].in])
                reached[machine->rows[i].to] = true;
    for (size_t i = 0; i < machine->state_count; i++)
        if (!reached[i])
            return said("nothing leads to %s", machine->states[i]);
    return NULL;
}

static const char *unheard(const struct xf_machine *machine)
{
    for (size_t event = 0; event < machine->event_count; event++) {
        size_t rows = 0;
        for (size_t i = 0; i < machine->row_count; i++)
            rows += machine->rows[i].on == event;
        if (!rows)
            return said("no row is for %s", machine->events[event]);
    }
    return NULL;
}

const char *table_fault(const struct xf_machine *machine)
{
    const char *fault = unnamed(machine->states, machine->state_count, "state");
    fault = fault ? fault : unnamed(machine->events, machine->event_count, "event");
    fault = fault ? fault : out_of_range(machine);
    fault = fault ? fault : ambiguous(machine);
    fault = fault ? fault : unreached(machine);
    return fault ? fault : unheard(machine);
}

/* ------------------------------------------------------------------ against a test's own list */

static unsigned expected(const struct xf_machine *machine, const struct table_move *moves,
                         size_t count, unsigned in, unsigned on)
{
    for (size_t i = 0; i < count && in != machine->final; i++)
        if ((moves[i].in == in || moves[i].in == XF_MACHINE_ANY) && moves[i].on == on)
            return moves[i].to;
    return XF_MACHINE_NONE;
}

static const char *name_of(const struct xf_machine *machine, unsigned state)
{
    return state == XF_MACHINE_NONE ? "nothing" : machine->states[state];
}

const char *table_difference(const struct xf_machine *machine, const struct table_move *moves,
                             size_t count)
{
    for (unsigned in = 0; in < machine->state_count; in++)
        for (unsigned on = 0; on < machine->event_count; on++) {
            unsigned want = expected(machine, moves, count, in, on);
            unsigned is = xf_machine_next(machine, in, on);
            if (is != want)
                return said("%s on %s leads to %s, expected is %s", machine->states[in],
                            machine->events[on], name_of(machine, is), name_of(machine, want));
        }
    return NULL;
}

void table_must_be(const struct xf_machine *machine, size_t states, size_t events,
                   const struct table_move *moves, size_t count)
{
    ck_assert_pstr_eq(table_fault(machine), NULL);
    ck_assert_uint_eq(machine->state_count, states);
    ck_assert_uint_eq(machine->event_count, events);
    ck_assert_pstr_eq(table_difference(machine, moves, count), NULL);
}
