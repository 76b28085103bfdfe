/* SPDX-License-Identifier: MIT */
/*
 * component_priv.h — one component name: its legs to the cluster, and the hold in front of them.
 *
 * A link of one name has one component with a leg for each node. With names = per-peer each peer
 * has a component of one leg, which tries the nodes in turn.
 */
#pragma once

#include "hold_priv.h"
#include "leg_priv.h"

#include <xfed/limits/quota.h>

struct xf_component;

struct xf_component_events {
    void (*stanza)(void *owner, struct xf_stanza *stanza);
    void (*expired)(void *owner, struct xf_stanza *stanza);
    void (*returned)(void *owner, struct xf_stanza *stanza, enum xf_stanza_error error);
    /* The component came up or went down, or its congestion may have changed. */
    void (*changed)(void *owner, struct xf_component *component);
    /* Follows `changed` when a leg came up, or the last one went down. */
    void (*state)(void *owner, struct xf_component *component, bool is_up);
    /* Follows xf_component_stop. The callee may free the component. */
    void (*gone)(void *owner, struct xf_component *component);
};

struct xf_component {
    struct xf_env *env;
    const struct xf_leg_common *common;
    const struct xf_component_events *events;
    void *owner;
    struct xf_hold hold;
    struct xf_sender sender; /* of the stanzas that wait for their proof */
    struct xf_leg **legs;
    /* The leg that took the last stanza; held stanzas do not count. */
    const struct xf_leg *sent;
    size_t leg_count, up_count, busy_count; /* busy: legs that are not idle */
    bool is_kept;                           /* does not end when it is idle */
    bool is_stopping;
    bool is_proving;               /* the gateway is about to stop: xf_component_prove */
    const struct xf_leg *alone_on; /* a suspect is on its way there, and all else waits */
    struct xf_timer next;          /* the suspect was proved: go on */
    uint64_t user;                 /* hash of the local user for whom a leg was last chosen */
    struct xf_timer hung;          /* give up a leg whose users wait too long */
    bool counts_as_up, counts_as_congested; /* in the sums of the link */
    uint64_t used_ms;
    struct xf_timer idle;  /* the link's */
    struct xf_place place; /* the link's: the place among the peers that are not kept */
};

/*
 * Connects at once. `addrs` and `weights` are borrowed. Each address gets a leg; with names =
 * per-peer there is one leg, which tries the addresses in turn and begins with one that depends on
 * the name.
 */
struct xf_component *xf_component_new(const struct xf_leg_common *common, struct xf_span name,
                                      const struct xf_addr *addrs, const unsigned *weights,
                                      size_t addr_count, struct xf_hold_budget *budget,
                                      const struct xf_component_events *events, void *owner);
void xf_component_free(struct xf_component **component); /* after `gone` */

void xf_component_start(struct xf_component *component);
/* `gone` follows after this function has returned. */
void xf_component_stop(struct xf_component *component, const char *reason);

/* XF_ERR_CLOSED: as for xf_link_send. */
XF_MUST_USE enum xf_err xf_component_send(struct xf_component *component,
                                          const struct xf_stanza *stanza);
void xf_component_leave(struct xf_component *component);
/*
 * The legs have other weights, one for each. A node of weight 0 is drained within `drain_ms`;
 * `leave`: and told so (xf_leg_leave).
 */
void xf_component_weigh(struct xf_component *component, const unsigned *weights, uint64_t drain_ms,
                        bool leave);
void xf_component_pause(struct xf_component *component, bool paused);

/* While one stanza is held, all later ones wait too. */
static inline bool xf_component_holds(const struct xf_component *component)
{
    return !xf_hold_is_empty(&component->hold) || component->alone_on;
}

/* Does the stanza that was sent last wait? */
static inline bool xf_component_is_full(const struct xf_component *component)
{
    return xf_component_holds(component) || (component->sent && xf_leg_is_tight(component->sent));
}

/* ------------------------------------------------------------------ choose_leg.c */

void xf_component_init_choice(struct xf_component *component);
/* The leg for this stanza; NULL: none is up, or the user's leg must first prove what it has. */
struct xf_leg *xf_component_choose(struct xf_component *component, const struct xf_stanza *stanza);
/* If stanzas wait (counts_as_congested), see to it that no leg makes them wait too long. */
void xf_component_watch(struct xf_component *component);
/* As xf_link_prove and xf_link_is_unsure. */
void xf_component_prove(struct xf_component *component);
bool xf_component_is_unsure(const struct xf_component *component);
/* The leg took the stanza that it was last chosen for. */
void xf_component_sent(struct xf_component *component, struct xf_leg *leg);
/* The stream of the leg has closed: nobody has to stay. */
void xf_component_forget(struct xf_leg *leg);
uint64_t xf_leg_hash(struct xf_span text); /* of a user's bare JID, a node, a name */

/* ------------------------------------------------------------------ component_back.c */

void xf_component_init_sender(struct xf_component *component);
/* What a leg did not deliver is in front of the hold: return what is not to be sent again. */
void xf_component_settle(struct xf_component *component);

/* ------------------------------------------------------------------ suspects.c */

void xf_component_init_suspects(struct xf_component *component);
/* Must the stanza go out alone on this leg? */
bool xf_component_is_suspect(const struct xf_leg *leg, const struct xf_stanza_copy *copy);
/* As xf_leg_send. False: not now. */
bool xf_component_send_alone(struct xf_component *component, struct xf_leg *leg,
                             const struct xf_stanza *stanza, struct xf_stanza_copy *copy);
/* None of the component's stanzas waits for its proof. */
void xf_component_settled(struct xf_component *component);
/* A leg has closed, and what it did not deliver is in front of the hold: was it one of these? */
void xf_component_blame(struct xf_component *component, const struct xf_leg *leg);

/* ------------------------------------------------------------------ component.c */

/* Send what is held, as far as it goes, and tell the owner. */
void xf_component_flush(struct xf_component *component);

/*
 * Bytes, held stanzas or too many unproved ones wait for the cluster. What is held while no leg is
 * up does not count.
 */
bool xf_component_is_congested(const struct xf_component *component);
