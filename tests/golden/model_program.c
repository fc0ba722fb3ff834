/* Runs adrank-model and captures its output. */
#include "tests/golden/model_program.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static struct buf take(const char *path)
{
    struct buf bytes = BUF_INIT;
    struct err err;

    CHECK_OK(file_read(path, 10 << 20, &bytes, &err), err);
    return bytes;
}

struct model_ran model_run(const char *args, struct view input)
{
    char dir[] = "/tmp/adrank-test-XXXXXX", exe[400], command[2048], in[64], out[64], errors[64];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    struct model_ran ran;
    struct err err;

    CHECK(len > 0 && mkdtemp(dir));
    exe[len] = '\0';
    *strrchr(exe, '/') = '\0';
    snprintf(in, sizeof(in), "%s/in", dir);
    snprintf(out, sizeof(out), "%s/out", dir);
    snprintf(errors, sizeof(errors), "%s/err", dir);
    CHECK_OK(file_write(in, input, &err), err);
    /* exec: a signal that ends the program is then seen as one, not as the shell's 128 + N. */
    snprintf(command, sizeof(command), "exec '%s/../bin/adrank-model' %s <%s >%s 2>%s", exe, args,
             in, out, errors);
    ran.status = system(command);
    if (!WIFEXITED(ran.status))
        FAIL("adrank-model %s: ended by signal %d", args, WTERMSIG(ran.status));
    ran.status = WEXITSTATUS(ran.status);
    ran.out = take(out);
    ran.err = take(errors);
    unlink(in);
    unlink(out);
    unlink(errors);
    rmdir(dir);
    return ran;
}

void model_ran_release(struct model_ran *ran)
{
    buf_release(&ran->out);
    buf_release(&ran->err);
}

struct model_ran model_run_ok(const char *args, struct view input)
{
    struct model_ran ran = model_run(args, input);

    if (ran.status)
        FAIL("adrank-model %s: %d, %s", args, ran.status, buf_str(&ran.err));
    return ran;
}

json_t *model_run_line(const char *args, struct view input)
{
    struct model_ran ran AT_END(model_ran_release) = model_run_ok(args, input);

    return model_ran_line(&ran, 0);
}

json_t *model_ran_line(const struct model_ran *ran, int n)
{
    const char *at = ran->out.ptr, *end = at + ran->out.len;
    const char *stop;
    json_t *line;

    for (int i = 0; i < n; i++) {
        at = memchr(at, '\n', (size_t)(end - at));
        CHECK(at++);
    }
    stop = memchr(at, '\n', (size_t)(end - at));
    CHECK(stop);
    line = json_loadb(at, (size_t)(stop - at), JSON_DECODE_ANY, NULL);
    CHECK(line);
    return line;
}

int model_ran_lines(const struct model_ran *ran)
{
    int n = 0;

    for (size_t i = 0; i < ran->out.len; i++)
        n += ran->out.ptr[i] == '\n';
    return n;
}

const json_t *json_at(const json_t *doc, const char *pointer)
{
    while (doc && *pointer) {
        const char *key = pointer + 1;
        const size_t len = strcspn(key, "/");

        doc = json_is_array(doc) ? json_array_get(doc, (size_t)atoi(key))
                                 : json_object_getn(doc, key, len);
        pointer = key + len;
    }
    return doc;
}

double number_at(const json_t *doc, const char *pointer)
{
    return json_number_value(json_at(doc, pointer));
}

const char *text_at(const json_t *doc, const char *pointer)
{
    const char *text = json_string_value(json_at(doc, pointer));

    return text ? text : "none";
}

void model_ran_failed(struct model_ran *ran, int status, const char *text)
{
    CHECK_INT(ran->status, status);
    if (!strstr(buf_str(&ran->err), text))
        FAIL("stderr is \"%s\", want \"%s\" in it", buf_str(&ran->err), text);
}
