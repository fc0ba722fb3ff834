/* Makes model directories that cannot be opened. */
#include "tests/e2e/broken_model.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

static const char *path_of(const char *folder, const char *name)
{
    return js("%s/%s", folder, name);
}

void model_write(const char *path, struct view bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd != -1 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    close(fd);
}

struct buf model_read(const char *name)
{
    struct buf bytes = BUF_INIT;
    struct err err;

    CHECK_OK(file_read(js(DRIVER_MODEL "/%s", name), 1 << 24, &bytes, &err), err);
    return bytes;
}

const char *model_copy_make(void)
{
    const char *folder = shell_folder();

    CHECK_INT(shell(NULL, "cp " DRIVER_MODEL "/* %s", folder), 0);
    return folder;
}

void model_copy_mend(const char *folder, struct view weights, model_write_fn write)
{
    struct buf vocab = model_read("vocab.txt");

    unlink(path_of(folder, "adrank.json"));
    write(path_of(folder, "vocab.txt"), buf_view(&vocab));
    write(path_of(folder, "model.safetensors"), weights);
    buf_release(&vocab);
}

/* Replaces a text by another of the same length. */
static void change(struct buf *bytes, const char *from, const char *to)
{
    char *at = memmem(bytes->ptr, bytes->len, from, strlen(from));

    CHECK(at && strlen(from) == strlen(to));
    memcpy(at, to, strlen(to));
}

static struct buf copy_of(struct view bytes)
{
    struct buf copy = BUF_INIT;

    buf_add_view(&copy, bytes);
    CHECK(!buf_failed(&copy));
    return copy;
}

static void lose_file(const char *folder, struct view weights, model_write_fn write)
{
    (void)weights;
    (void)write;
    CHECK(unlink(path_of(folder, "model.safetensors")) == 0);
}

static void truncate_file(const char *folder, struct view weights, model_write_fn write)
{
    write(path_of(folder, "model.safetensors"), (struct view){weights.ptr, weights.len / 2});
}

static void change_header(const char *folder, struct view weights, model_write_fn write,
                          const char *from, const char *to)
{
    struct buf bytes AT_END(buf_release) = copy_of(weights);

    change(&bytes, from, to);
    write(path_of(folder, "model.safetensors"), buf_view(&bytes));
}

/* Points the queries of layer 0 at the bytes of its keys. */
static void overlap(const char *folder, struct view weights, model_write_fn write)
{
    change_header(folder, weights, write, "[44288,48384]", "[40064,44160]");
}

/* The same count of numbers as before. */
static void misshape(const char *folder, struct view weights, model_write_fn write)
{
    change_header(folder, weights, write, "[64,32],\"data_offsets\":[52864,61056]",
                  "[32,64],\"data_offsets\":[52864,61056]");
}

static void put_nan(const char *folder, struct view weights, model_write_fn write)
{
    static const unsigned char nan_bytes[] = {0, 0, 0xc0, 0x7f};
    struct buf bytes AT_END(buf_release) = copy_of(weights);
    uint64_t header;

    memcpy(&header, bytes.ptr, 8);
    memcpy(bytes.ptr + 8 + header + 61440, nan_bytes, 4); /* encoder.layer.0.output.dense.weight */
    write(path_of(folder, "model.safetensors"), buf_view(&bytes));
}

static void lose_word(const char *folder, struct view weights, model_write_fn write)
{
    struct buf vocab AT_END(buf_release) = model_read("vocab.txt");

    (void)weights;
    change(&vocab, "[SEP]", "[SEQ]");
    write(path_of(folder, "vocab.txt"), buf_view(&vocab));
}

/* Golden requests of another model. */
static void ask_other_scores(const char *folder, struct view weights, model_write_fn write)
{
    const char *text =
        js("{'format':1,'kind':'cross','name':'e2e','version':'1',"
           "'input':{'context':'{search} | ','ad':'{title}'},"
           "'heads':{'ctr':{'labels':1}},'base_rate':0.1,"
           "'golden':{'max_error':{'f32':0.0001},'requests':[{'now_ms':1,"
           "'request':{'rank':{'candidates':[%s]}},'logits':[%s]}]}}",
           js_list(32, "{'adid':'c#','bid':1,'text':'tea pot'}"), js_list(16, "-2,2"));

    (void)weights;
    write(path_of(folder, "adrank.json"), view_of(text));
}

const struct broken_model broken_models[] = {
    {"file lost", 66, "model.safetensors", lose_file},
    {"file truncated", 65, "model.safetensors", truncate_file},
    {"offsets overlap", 65, "bert.encoder.layer.0.attention.self.query.weight", overlap},
    {"another shape", 65, "bert.encoder.layer.0.intermediate.dense.weight", misshape},
    {"a weight is NaN", 65, "layer.0.output.dense.weight: contains a NaN", put_nan},
    {"no [SEP]", 65, "[SEP]", lose_word},
    {"golden requests unmet", 65, "golden request 0, candidate 0", ask_other_scores},
};
const int n_broken_models = COUNT(broken_models);
