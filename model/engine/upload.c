/* Brings weights to a device, step by step. */
#include "model/engine/upload.h"

#include <stdlib.h>

#include "base/bug.h"

#define STEP_BYTES ((size_t)1 << 20)

/* One matrix to pack, or one array to copy. */
struct upload_item {
    struct linear_weight **weight; /* where the packed matrix goes; NULL: a copy */
    struct linear_spec spec;
    void **memory; /* where the copy goes */
    const float *from;
    size_t bytes;
};

int upload_init(struct upload *upload, const struct backend_ops *ops, struct session *session,
                int max_rows, int max, struct err *err)
{
    *upload = (struct upload){.ops = ops, .session = session, .max_rows = max_rows, .max = max};
    upload->items = calloc((size_t)max, sizeof(*upload->items));
    return upload->items ? 0 : err_set(err, ERR_NOMEM, "weights: out of memory");
}

static struct upload_item *add(struct upload *upload)
{
    BUG_ON(upload->n == upload->max);
    return &upload->items[upload->n++];
}

void upload_matrix(struct upload *upload, struct linear_weight **to, struct linear_spec spec)
{
    *add(upload) = (struct upload_item){.weight = to, .spec = spec};
}

void upload_array(struct upload *upload, void **to, const float *from, int rows, int cols)
{
    *add(upload) = (struct upload_item){
        .memory = to, .from = from, .bytes = (size_t)rows * (size_t)cols * sizeof(float)};
}

static int copy_some(struct upload *upload, const struct upload_item *item, struct err *err)
{
    size_t n = item->bytes - upload->done;

    if (!*item->memory) {
        *item->memory = upload->ops->alloc(upload->session, item->bytes, err);
        if (!*item->memory)
            return -1;
    }
    if (n > STEP_BYTES)
        n = STEP_BYTES;
    if (upload->ops->upload(upload->session, (char *)*item->memory + upload->done,
                            (const char *)item->from + upload->done, n, err))
        return -1;
    upload->done += n;
    return upload->done < item->bytes;
}

static int pack_some(struct upload *upload, const struct upload_item *item, struct err *err)
{
    const struct backend_ops *ops = upload->ops;

    if (!*item->weight)
        return ops->weight_new(upload->session, &item->spec, upload->max_rows, item->weight, err)
                   ? -1
                   : 1;
    return ops->weight_step(upload->session, *item->weight, err);
}

int upload_step(struct upload *upload, struct err *err)
{
    const struct upload_item *item = &upload->items[upload->next];
    int rc;

    if (upload->next == upload->n)
        return 0;
    rc = item->weight ? pack_some(upload, item, err) : copy_some(upload, item, err);
    if (rc)
        return rc;
    upload->done = 0;
    upload->next++;
    return upload->next < upload->n;
}

void upload_release(struct upload *upload)
{
    for (int i = 0; i < upload->n; i++) {
        const struct upload_item *item = &upload->items[i];
        if (item->weight && *item->weight)
            upload->ops->weight_free(upload->session, *item->weight);
        else if (item->memory && *item->memory)
            upload->ops->free(upload->session, *item->memory);
    }
    free(upload->items);
    *upload = (struct upload){0};
}
