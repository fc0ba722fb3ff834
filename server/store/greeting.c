/* AUTH and SELECT: as they are sent, and what they may be answered with. */
#include "server/store/greeting.h"

#include <stdio.h>

#include "base/secret.h"
#include "server/store/refusal.h"

int greeting_init(struct greeting *greeting, struct view user, struct view password, int database)
{
    const struct view auth[] = {VIEW_LIT("AUTH"), user.len ? user : password, password};
    const int n_auth = user.len ? 3 : 2;
    char number[16], *bytes, *end;
    const struct view select[] = {
        VIEW_LIT("SELECT"), {number, (size_t)snprintf(number, sizeof(number), "%d", database)}};
    const size_t size = command_bytes(select, 2) + (password.len ? command_bytes(auth, n_auth) : 0);

    *greeting = (struct greeting){.n_commands = password.len ? 2 : 1};
    bytes = end = secret_alloc(size);
    if (!bytes)
        return -1;
    if (password.len) {
        end = command_write(end, auth, n_auth);
        greeting->password = (struct view){end - 2 - password.len, password.len};
    }
    command_write(end, select, 2);
    greeting->bytes = (struct view){bytes, size};
    return 0;
}

void greeting_release(struct greeting *greeting)
{
    secret_free(&greeting->bytes);
    *greeting = (struct greeting){0};
}

enum store_status greeting_check(const struct greeting *greeting, int i,
                                 const struct store_reply *reply, char why[GREETING_WHY_BYTES])
{
    const char *command = i == greeting->n_commands - 1 ? "SELECT" : "AUTH";
    char text[REFUSAL_BYTES];

    if (reply->type == STORE_STATUS && view_is(reply->text, "OK"))
        return STORE_OK;
    if (reply->type == STORE_ERROR) {
        refusal_text(reply->text, greeting->password, text);
        snprintf(why, GREETING_WHY_BYTES, "%s refused: %s", command, text);
        return STORE_DOWN;
    }
    snprintf(why, GREETING_WHY_BYTES, "nonsense: the reply to %s is not OK", command);
    return STORE_NONSENSE;
}
