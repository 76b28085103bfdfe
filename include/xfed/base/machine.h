/* SPDX-License-Identifier: MIT */
/*
 * machine.h — a state machine as a table that can be read aloud.
 *
 * To add a state or an event:
 *   1. give it a line in the owner's X-map, with a sentence that says what it means;
 *   2. give it rows in the owner's table: in which state, on which event, to which state, and what
 *      is done then;
 *   3. say in the owner's `check` what the state takes for granted;
 *   4. say in the test of that table what is expected (tests/unit/base/tables.h).
 *
 * The owner keeps its state as a plain enum, which everybody may read and only xf_machine_fire
 * writes. The events of a machine are values of another enum. Both begin with 0 and have no gaps.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xfed/base/err.h>

#define XF_MACHINE_ANY  UINT8_MAX /* row.in: from every state but the final one */
#define XF_MACHINE_NONE UINT8_MAX /* no state */

/* A function of one parameter, a pointer to the owner; `run` casts it back to its own type. */
typedef void (*xf_machine_action)(void);

/* An action in a row. Does not compile for a function that takes another type than TYPE *. */
#define XF_MACHINE_ACTION(type, action) \
    ((xf_machine_action) _Generic((action), void (*)(type *) : (action), void * : (action)))

/*
 * What every description of a machine has alike. The names come from the owner's X-maps, whose
 * order is that of the enums: X-maps of (name, word), or of (name) alone.
 *
 *     static const char *const state_names[] = {XF_OUT_STATE_MAP(XF_MACHINE_TITLE)};
 *     static const char *const event_names[] = {XF_OUT_EVENT_MAP(XF_MACHINE_TITLE)};
 *     XF_MACHINE_RUN(struct xf_out)
 *     const struct xf_machine xf_out_machine = {XF_MACHINE_TABLE, .name = "outgoing stream", ...
 */
#define XF_MACHINE_WORD(name, word) word,
#define XF_MACHINE_TITLE(name)      #name,
#define XF_MACHINE_RUN(type)                              \
    static void run(void *self, xf_machine_action action) \
    {                                                     \
        ((void (*)(type *))action)(self);                 \
    }
#define XF_MACHINE_TABLE                                                                     \
    .states = state_names, .events = event_names, .state_count = XF_ARRAY_LEN(state_names),  \
    .event_count = XF_ARRAY_LEN(event_names), .rows = rows, .row_count = XF_ARRAY_LEN(rows), \
    .run = run

struct xf_machine_row {
    uint8_t in; /* a state, or XF_MACHINE_ANY */
    uint8_t on; /* an event */
    uint8_t to;
    xf_machine_action action; /* NULL: nothing else is done */
};

struct xf_machine {
    const char *name;                          /* for what is printed about a bug */
    const char *const *states, *const *events; /* their names, as the log has them */
    size_t state_count, event_count;
    const struct xf_machine_row *rows;
    size_t row_count;
    size_t state_at; /* offsetof(owner, state); the enum has the size of unsigned */
    uint8_t first;   /* of a new owner */
    uint8_t final;   /* no event does anything in this state; NONE: there is none */
    uint8_t parting; /* the action of a move to this state may free the owner; NONE: none may */

    /* Casts an action to its own type and calls it with the owner. */
    void (*run)(void *self, xf_machine_action action);

    /* Writes a move to the log: each owner has its own event and keys. */
    void (*log)(const void *self, const char *from, const char *on, const char *to);

    /* What each move does, between the log and the row's own action. NULL: nothing. */
    void (*moved)(void *self);

    /* An event for which the state has no row. NULL: a bug of ours, and the program aborts. */
    void (*missing)(void *self, unsigned event);

    /*
     * The invariant: requires (xf_require) what the present state takes for granted. Called twice
     * at each move, before the action and after it (`has_acted`).
     */
    void (*check)(const void *self, bool has_acted);
};

/*
 * Move: find the row, write the state, log, check the invariant, do the action, check again. An
 * action that fires a further event does so last: the owner is in another state then.
 */
void xf_machine_fire(const struct xf_machine *machine, void *self, unsigned event);

/* The state to which the table leads, XF_MACHINE_NONE when it has no row. */
unsigned xf_machine_next(const struct xf_machine *machine, unsigned state, unsigned event);
