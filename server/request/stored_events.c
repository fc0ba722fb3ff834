/* Stored behaviour as a command of the store and its reply. */
#include "server/request/stored_events.h"

#include <stdio.h>

static const struct store_expected list = {
    .types = 1u << STORE_ARRAY,
    .elements = 1u << STORE_STRING,
    .otherwise = "nonsense: not a list of strings",
    .key_error = "WRONGTYPE", /* concerns this user's key only */
};

static const struct view probe_args[] = {VIEW_LIT("LRANGE"), VIEW_LIT("adrank:{u:}:h"),
                                         VIEW_LIT("0"), VIEW_LIT("0")};
const struct store_command stored_events_probe = {.args = probe_args,
                                                  .n_args = 4,
                                                  .expected = &list,
                                                  .max_elements = 1,
                                                  .max_element_bytes = BEHAVIOUR_MAX_BYTES};

void stored_events_read(struct store *store, struct store_call *call,
                        const char pid[BEHAVIOUR_PID_HEX + 1], int max_events, int64_t deadline_us)
{
    struct view args[] = {VIEW_LIT("LRANGE"), {0}, VIEW_LIT("0"), {0}};
    struct store_command command = stored_events_probe;
    char key[BEHAVIOUR_KEY_BYTES], last[16];

    behaviour_redis_key(pid, key);
    args[1] = view_of(key);
    args[3] = (struct view){last, (size_t)snprintf(last, sizeof(last), "%d", max_events - 1)};
    command.args = args;
    command.max_elements = max_events;
    store_send(store, call, &command, 1, deadline_us);
}

enum features_reason stored_events_reason(enum store_status status,
                                          const struct store_reply *replies)
{
    static const enum features_reason reasons[STORE_STATUSES] = {
        [STORE_OK] = FEATURES_REASONS,
        [STORE_NONE] = FEATURES_REASONS,
        [STORE_LATE] = FEATURES_REASON_TIMEOUT,
        [STORE_DOWN] = FEATURES_REASON_DOWN,
        [STORE_BUSY] = FEATURES_REASON_BUSY,
        [STORE_NONSENSE] = FEATURES_REASON_NONSENSE,
        [STORE_NO_MEMORY] = FEATURES_REASON_NO_MEMORY,
    };

    if (status != STORE_OK || replies[0].type != STORE_ERROR)
        return reasons[status];
    return store_reply_is_error(&replies[0], list.key_error) ? FEATURES_REASON_WRONG_TYPE
                                                             : FEATURES_REASON_REFUSED;
}
