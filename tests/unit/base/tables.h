/* SPDX-License-Identifier: MIT */
/* tables.h — what the tests of all state machines (xfed/base/machine.h) ask of a table. */
#pragma once

#include <xfed/base/machine.h>

/*
 * NULL, or what is wrong with the table: a value out of range or without a name of its own, two
 * rows for one state and event, a state that nothing leads to, an event without a row.
 */
const char *table_fault(const struct xf_machine *machine);

/* What a test expects of a table, written apart from it. `in` may be XF_MACHINE_ANY. */
struct table_move {
    unsigned in, on, to;
};

/* NULL, or the state and event for which the table says something else than the moves. */
const char *table_difference(const struct xf_machine *machine, const struct table_move *moves,
                             size_t count);

/* For Check: the table is sound, has so many states and events, and says what the moves say. */
void table_must_be(const struct xf_machine *machine, size_t states, size_t events,
                   const struct table_move *moves, size_t count);
