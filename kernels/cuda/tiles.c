/* Cuts the rows of a slice into the blocks and warps of the attention kernel. */
#include "kernels/backend.h"
#include "kernels/cuda/kernels.h"

#define TILE_ROWS (CUDA_TILE_UNITS * CUDA_UNIT_ROWS)

/*
 * What goes where depends on a segment and its parent alone: whether its keys are staged, at which
 * of its rows a unit starts. Neighbours only share the block. A parent of up to MAX_STAGED_PARENT
 * rows leaves room for a few children.
 */
#define MAX_STAGED_PARENT (CUDA_TILE_KEYS - TILE_ROWS / 2)

struct cutter {
    struct cuda_tile *tiles;
    int n;
};

static int units_of(int n_rows)
{
    return (n_rows + CUDA_UNIT_ROWS - 1) / CUDA_UNIT_ROWS;
}

static bool is_staged(const struct cuda_segment *segment)
{
    return segment->parent_len <= MAX_STAGED_PARENT &&
           segment->parent_len + (segment->len > 1 ? segment->len : 0) <= CUDA_TILE_KEYS;
}

static struct cuda_tile *tile_new(struct cutter *cutter, const struct cuda_segment *segment)
{
    struct cuda_tile *tile = &cutter->tiles[cutter->n++];

    *tile = (struct cuda_tile){.parent_start = segment->parent_start,
                               .parent_len = segment->parent_len,
                               .run_start = segment->start,
                               .staged = is_staged(segment)};
    return tile;
}

/* The last tile, where a segment of up to TILE_ROWS tokens can join it: segments are end to end. */
static struct cuda_tile *tile_with_room(struct cutter *cutter, const struct cuda_segment *segment)
{
    struct cuda_tile *tile = cutter->n > 0 ? &cutter->tiles[cutter->n - 1] : NULL;
    const struct cuda_unit *last;

    if (!tile || tile->parent_start != segment->parent_start ||
        tile->parent_len != segment->parent_len || tile->staged != is_staged(segment))
        return NULL;
    last = &tile->units[tile->n_units - 1];
    if (segment->len == 1)
        return last->own_len == 0 &&
                       (last->n_rows < CUDA_UNIT_ROWS || tile->n_units < CUDA_TILE_UNITS)
                   ? tile
                   : NULL;
    if (last->own_len == 0 || tile->run_len > TILE_ROWS ||
        tile->n_units + units_of(segment->len) > CUDA_TILE_UNITS)
        return NULL;
    if (tile->staged && tile->parent_len + tile->run_len + segment->len > CUDA_TILE_KEYS)
        return NULL;
    return tile;
}

static void add_units(struct cuda_tile *tile, const struct cuda_segment *segment, int from, int n)
{
    for (int i = 0; i < n; i += CUDA_UNIT_ROWS)
        tile->units[tile->n_units++] = (struct cuda_unit){
            .row = segment->start + from + i,
            .n_rows = n - i < CUDA_UNIT_ROWS ? n - i : CUDA_UNIT_ROWS,
            .own_start = segment->start,
            .own_len = segment->len > 1 ? segment->len : 0,
        };
}

static void add_one_token(struct cuda_tile *tile, const struct cuda_segment *segment)
{
    struct cuda_unit *last = tile->n_units > 0 ? &tile->units[tile->n_units - 1] : NULL;

    if (last && last->n_rows < CUDA_UNIT_ROWS)
        last->n_rows++;
    else
        add_units(tile, segment, 0, 1);
}

static void cut(struct cutter *cutter, const struct cuda_segment *segment)
{
    struct cuda_tile *tile = tile_with_room(cutter, segment);

    if (segment->len > TILE_ROWS) {
        for (int i = 0; i < segment->len; i += TILE_ROWS) {
            tile = tile_new(cutter, segment);
            tile->run_len = segment->len;
            add_units(tile, segment, i,
                      segment->len - i < TILE_ROWS ? segment->len - i : TILE_ROWS);
        }
        return;
    }
    if (!tile)
        tile = tile_new(cutter, segment);
    if (segment->len == 1) {
        add_one_token(tile, segment);
        return;
    }
    tile->run_len += segment->len;
    add_units(tile, segment, 0, segment->len);
}

int cuda_tiles_max(int n_tokens, int n_segments)
{
    return n_segments + n_tokens / TILE_ROWS;
}

int cuda_tiles_fill(const struct slice *slice, struct cuda_segment *segments, int32_t *segment_of,
                    struct cuda_tile *tiles)
{
    struct cutter cutter = {.tiles = tiles};

    for (int s = 0; s < slice->n_segments; s++) {
        const struct slice_segment *from = &slice->segments[s];
        struct cuda_segment *to = &segments[s];

        *to = (struct cuda_segment){.start = from->start, .len = from->len};
        if (from->parent >= 0) {
            to->parent_start = slice->segments[from->parent].start;
            to->parent_len = slice->segments[from->parent].len;
        }
        for (int i = 0; i < to->len; i++)
            segment_of[to->start + i] = s;
        if (to->len > 0)
            cut(&cutter, to);
    }
    return cutter.n;
}
