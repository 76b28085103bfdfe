/* SPDX-License-Identifier: MIT */
/*
 * verb_alarms.c — alarms: what stands now; with `follow` also each change from then on, until the
 * client ends.
 */
#include "control_priv.h"

#define ALIVE_MS 15000 /* a follower hears of us so often, also when nothing changes */

static json_t *row_of(const struct xf_alarm_view *view, const char *change)
{
    json_t *row = json_object();
    xf_json_put(row, "change", change);
    xf_json_put(row, "alarm", view->name);
    xf_json_put(row, "subject", view->subject);
    xf_json_put(row, "text", view->text);
    xf_json_put(row, "detail", view->detail);
    xf_json_put(row, "help", view->help);
    xf_json_put(row, "advice", view->advice);
    xf_json_put_signed(row, "since_unix_s", view->since_s);
    xf_json_put_signed(row, "unix_s", xf_unix_s());
    return row;
}

static void show(void *owner, const struct xf_alarm_view *view)
{
    xf_client_row(owner, row_of(view, "stands"));
}

static void changed(struct xf_alarm_follower *follower, enum xf_alarm_change change,
                    const struct xf_alarm_view *view)
{
    struct xf_client *client = XF_CONTAINER(follower, struct xf_client, follower);
    xf_client_row(client, row_of(view, xf_alarm_change_word(change)));
}

static void say_alive(void *owner)
{
    struct xf_client *client = owner;
    json_t *row = json_object();
    xf_json_put(row, "change", "alive");
    xf_client_row(client, row);
    xf_timer_start(client->control->timers, &client->timer, ALIVE_MS);
}

/* Behind what stands: the follower knows all of it now. */
static void begin_to_follow(struct xf_client *client, uint64_t count)
{
    json_t *row = json_object();
    xf_json_put(row, "change", "following");
    xf_json_put_int(row, "alarms", count);
    xf_client_row(client, row);
    client->follower.changed = changed;
    xf_alarms_follow(client->control->opts.alarms, &client->follower);
    xf_timer_init(&client->timer, say_alive, client);
    xf_timer_start(client->control->timers, &client->timer, ALIVE_MS);
}

void xf_verb_alarms(struct xf_client *client, const json_t *request)
{
    struct xf_alarms *alarms = client->control->opts.alarms;
    xf_alarms_each(alarms, show, client);
    if (xf_json_is(request, "follow"))
        begin_to_follow(client, xf_alarms_count(alarms));
    else
        xf_client_done_with(client, "alarms", xf_alarms_count(alarms));
}
