/* Loads the fixed requests and sends them. */
#include "bench/compare/requests.h"

#include "base/file.h"

#define PATH COMPARE_FOLDER "/requests.tsv"

static int take_line(struct compare_requests *out, char *line, char *end, struct err *err)
{
    char *tab = memchr(line, '\t', (size_t)(end - line));

    if (!tab || out->n == COMPARE_MAX_REQUESTS)
        return err_set(err, ERR_DATA, PATH ": line %d: %s", out->n + 1,
                       tab ? "too many lines" : "no tab");
    *tab = '\0';
    out->items[out->n++] = (struct compare_request){.name = line,
                                                    .body = {tab + 1, (size_t)(end - tab - 1)},
                                                    .stored = strncmp(line, "stored_", 7) == 0};
    return 0;
}

int compare_requests_read(struct compare_requests *out, struct err *err)
{
    char *line, *end;

    *out = (struct compare_requests){0};
    if (file_read(PATH, 1 << 20, &out->text, err))
        return -1;
    for (line = out->text.ptr; (end = strchr(line, '\n')); line = end + 1)
        if (take_line(out, line, end, err))
            return -1;
    return 0;
}

void compare_requests_release(struct compare_requests *requests)
{
    buf_release(&requests->text);
}
