/*
 * What a peer may send. hiredis reads whatever comes: it asserts on a reply that no command waits for, takes memory
 * for what a length announces, and nests arrays. So the functions with which it makes replies refuse, which ends the
 * link, and what has come of a reply that is not complete is looked at after each read.
 *
 * Allowed is, for each command that is out, one reply of RESP2: a line, an integer, nil, a string, or a flat list of as
 * many elements as were asked for at most; all of it in max_bytes, the reader's buffer included.
 */
#include <string.h>

#include "adrank/behaviour.h"
#include "base/number.h"
#include "server/store/link_state.h"

/* Of one link; more only where max_elements whole events need it. */
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_NUMBER_BYTES 32 /* of a length or an integer, its line end included */
#define MAX_LINE_BYTES 4096 /* of a status or an error */
#define CHARGE_BYTES                                                                               \
    65536 /* a step of what is charged to the budget; the first is kept, unless memory is short */
#define OBJECT_BYTES 96 /* hiredis' own for a reply or an element, about */

#if HIREDIS_MAJOR >= 1
typedef size_t elements_t;
#define TASK(reader) ((reader)->task[(reader)->ridx])
#else
typedef int elements_t;
#define TASK(reader) (&(reader)->rstack[(reader)->ridx])
#endif

static const char unowed[] = "nonsense: a reply that nobody waits for";
static const char nested[] = "nonsense: a list in a list";
static const char too_many[] = "nonsense: more elements than were asked for";
static const char too_long[] = "nonsense: a reply that is too long";
static const char no_memory[] = "no memory left in http.memory_bytes for its reply";
static const char other_type[] = "nonsense: a type that is not of RESP2";

/* NULL, which hiredis takes for a lack of memory: it reads no further. */
static void *refuse(struct features_link *link, const char *why)
{
    link->broken = why;
    return NULL;
}

enum features_status bounds_status(const char *why)
{
    return why == no_memory ? FEATURES_NO_MEMORY : FEATURES_NONSENSE;
}

/* What is held is charged in steps, so that usual replies cost nothing after the first. NULL, or why it may not be. */
static const char *charge(struct features_link *link)
{
    const size_t held = features_link_held(link);
    int64_t more;

    if (held > link->max_bytes)
        return too_long;
    if ((int64_t)held <= link->charged_bytes || !link->memory)
        return NULL;
    more = ((int64_t)held / CHARGE_BYTES + 1) * CHARGE_BYTES - link->charged_bytes;
    if (!budget_charge(link->memory, BUDGET_REDIS, more, link->charged_bytes + more))
        return no_memory;
    link->charged_bytes += more;
    return NULL;
}

void bounds_reply_ends(struct features_link *link)
{
    const int64_t kept = link->memory && budget_is_short(link->memory) ? 0 : CHARGE_BYTES;

    link->owed--;
    link->object_bytes = 0;
    if (link->charged_bytes > kept)
        bounds_return(link, link->charged_bytes - kept);
}

void bounds_return(struct features_link *link, int64_t bytes)
{
    if (bytes)
        budget_return(link->memory, BUDGET_REDIS, bytes);
    link->charged_bytes -= bytes;
}

/* Whether an object with n bytes of its own may be made. */
static bool admit(struct features_link *link, const redisReadTask *task, size_t n)
{
    const char *why = task->parent || link->owed ? NULL : unowed;

    if (!task->parent)
        link->object_bytes = 0;
    link->object_bytes += OBJECT_BYTES + n;
    if (!why)
        why = charge(link);
    if (why)
        link->broken = why;
    return !why;
}

static void *create_string(const redisReadTask *task, char *bytes, size_t len)
{
    struct features_link *link = task->privdata;

    return admit(link, task, len) ? link->plain->createString(task, bytes, len) : NULL;
}

static void *create_array(const redisReadTask *task, elements_t n)
{
    struct features_link *link = task->privdata;

    if (task->type != REDIS_REPLY_ARRAY)
        return refuse(link, other_type);
    if (task->parent)
        return refuse(link, nested);
    if (n > (elements_t)link->max_elements)
        return refuse(link, link->owed ? too_many : unowed);
    return admit(link, task, (size_t)n * sizeof(void *)) ? link->plain->createArray(task, n) : NULL;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    struct features_link *link = task->privdata;

    return admit(link, task, 0) ? link->plain->createInteger(task, value) : NULL;
}

static void *create_nil(const redisReadTask *task)
{
    struct features_link *link = task->privdata;

    return admit(link, task, 0) ? link->plain->createNil(task) : NULL;
}

#if HIREDIS_MAJOR >= 1
static void *create_double(const redisReadTask *task, double value, char *text, size_t len)
{
    (void)value;
    (void)text;
    (void)len;
    return refuse(task->privdata, other_type);
}

static void *create_bool(const redisReadTask *task, int value)
{
    (void)value;
    return refuse(task->privdata, other_type);
}
#endif

void bounds_set(struct features_link *link, int max_elements)
{
    const size_t asked = (size_t)max_elements * (BEHAVIOUR_MAX_BYTES + OBJECT_BYTES + 16);
    redisReader *reader = link->redis->c.reader;

    link->max_elements = max_elements;
    link->max_bytes = asked + MAX_BYTES / 4 > MAX_BYTES ? asked + MAX_BYTES / 4 : MAX_BYTES;
    if (link->plain)
        return;
    link->plain = reader->fn;
    link->bounded = *reader->fn;
    link->bounded.createString = create_string;
    link->bounded.createArray = create_array;
    link->bounded.createInteger = create_integer;
    link->bounded.createNil = create_nil;
#if HIREDIS_MAJOR >= 1
    link->bounded.createDouble = create_double;
    link->bounded.createBool = create_bool;
#endif
    reader->fn = &link->bounded;
    reader->privdata = link;
}

/* A string's length, of which hiredis waits for every byte before it makes anything of them. */
static const char *check_length(const struct features_link *link, struct view digits)
{
    int64_t len;

    if (number_int(digits, -1, INT64_MAX, &len))
        return NULL; /* hiredis' own complaint */
    return (uint64_t)len > link->max_bytes && len > 0 ? too_long : NULL;
}

static const char *check_string(const struct features_link *link, struct view rest)
{
    const char *end = rest.len ? memchr(rest.ptr, '\r', rest.len) : NULL;

    if (end)
        return check_length(link, (struct view){rest.ptr, (size_t)(end - rest.ptr)});
    return rest.len > MAX_NUMBER_BYTES ? too_long : NULL;
}

/* rest: what has come behind the type's byte. */
static const char *check_rest(const struct features_link *link, int type, struct view rest)
{
    switch (type) {
    case REDIS_REPLY_STRING:
        return check_string(link, rest);
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        return rest.len > MAX_LINE_BYTES ? too_long : NULL;
    case REDIS_REPLY_ARRAY:
    case REDIS_REPLY_INTEGER:
    case REDIS_REPLY_NIL:
        return rest.len > MAX_NUMBER_BYTES ? too_long : NULL;
    default: /* negative: not even its type has come */
        return type < 0 ? NULL : other_type;
    }
}

const char *bounds_check(struct features_link *link)
{
    const redisReader *reader = link->redis->c.reader;
    const struct view rest = {reader->buf + reader->pos, reader->len - reader->pos};
    const int type = reader->ridx < 0 ? -1 : TASK(reader)->type; /* -1: waits for a first byte */
    const char *why;

    if (link->owed == 0 && (reader->ridx > 0 || type >= 0 || rest.len))
        return unowed;
    why = check_rest(link, type, rest);
    return why ? why : charge(link);
}
