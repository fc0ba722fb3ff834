/*
 * Real weights: all-MiniLM-L6-v2 with a seeded head of two labels. The encoder is fetched once into
 * build/minilm by the evaluation data's script, the head is committed; together they make the
 * directory that is opened.
 */
#include <jansson.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/golden/golden_pairs.h"
#include "tests/js.h"

#define ENCODER "build/minilm"
#define JOINED "build/minilm-classifier"
#define HEAD "tests/golden/minilm/head.safetensors"

struct tensors_file {
    struct buf bytes;
    json_t *header;
    struct view data;
};

static void tensors_open(struct tensors_file *t, const char *path)
{
    struct err err;
    uint64_t len = 0;

    t->bytes = BUF_INIT;
    CHECK_OK(file_read(path, 200 << 20, &t->bytes, &err), err);
    memcpy(&len, t->bytes.ptr, sizeof(len));
    t->header = json_loadb(t->bytes.ptr + 8, len, 0, NULL);
    CHECK(t->header);
    t->data = (struct view){t->bytes.ptr + 8 + len, t->bytes.len - 8 - len};
}

static void tensors_close(struct tensors_file *t)
{
    json_decref(t->header);
    buf_release(&t->bytes);
}

/* The head's tensors go behind the encoder's. */
static void join_headers(struct tensors_file *encoder, const struct tensors_file *head)
{
    const char *name;
    json_t *entry;

    json_object_foreach(head->header, name, entry)
    {
        json_t *offsets = json_object_get(entry, "data_offsets");
        for (size_t i = 0; i < json_array_size(offsets); i++)
            json_array_set_new(offsets, i,
                               json_integer(json_integer_value(json_array_get(offsets, i)) +
                                            (json_int_t)encoder->data.len));
        json_object_set(encoder->header, name, entry);
    }
}

static void write_joined(void)
{
    struct tensors_file encoder, head;
    struct buf out = BUF_INIT;
    struct err err;
    char *header;
    uint64_t len;

    tensors_open(&encoder, ENCODER "/model.safetensors");
    tensors_open(&head, HEAD);
    join_headers(&encoder, &head);
    header = json_dumps(encoder.header, JSON_COMPACT);
    CHECK(header);
    len = strlen(header);
    buf_add(&out, &len, sizeof(len));
    buf_add_str(&out, header);
    buf_add_view(&out, encoder.data);
    buf_add_view(&out, head.data);
    CHECK(!buf_failed(&out));
    CHECK_OK(file_write(JOINED "/model.safetensors", buf_view(&out), &err), err);
    free(header);
    buf_release(&out);
    tensors_close(&encoder);
    tensors_close(&head);
}

static void copy(const char *name)
{
    struct buf bytes AT_END(buf_release) = BUF_INIT;
    struct err err;

    CHECK_OK(file_read(js(ENCODER "/%s", name), 10 << 20, &bytes, &err), err);
    CHECK_OK(file_write(js(JOINED "/%s", name), buf_view(&bytes), &err), err);
}

/* Skips aloud where the weights cannot be had. */
static void make_directory(void)
{
    const char *data = test_data();
    char command[1024];

    if (!data)
        SKIP("no evaluation data: its models/get-minilm.sh fetches the weights");
    snprintf(command, sizeof(command), "sh '%s/models/get-minilm.sh' " ENCODER " >/dev/null 2>&1",
             data);
    (void)mkdir("build", 0777);
    if (system(command) != 0)
        SKIP("the weights of all-MiniLM-L6-v2 cannot be fetched");
    (void)mkdir(JOINED, 0777);
    copy("config.json");
    copy("tokenizer.json");
    copy("vocab.txt");
    copy("tokenizer_config.json");
    write_joined();
}

static void check(enum precision precision, const char *linear)
{
    const struct golden_engine_args args = {
        .dir = JOINED, .linear = linear, .precision = precision, .threads = 2};
    struct golden_engine g AT_END(golden_engine_close);
    struct golden_pairs pairs AT_END(golden_pairs_close);

    make_directory();
    golden_engine_open(&g, &args);
    golden_pairs_open(&pairs, "tests/golden/minilm", g.model);
    golden_pairs_check(&pairs, &g, "minilm", 8);
}

TEST(minilm__f32_equals_transformers)
{
    check(PRECISION_F32, NULL);
}

TEST(minilm__bf16_loses_no_more_than_pytorch)
{
    check(PRECISION_BF16, "plain");
}

TEST(minilm__bf16_of_the_processor_loses_no_more_than_pytorch)
{
    golden_engine_need_bf16();
    check(PRECISION_BF16, NULL);
}
