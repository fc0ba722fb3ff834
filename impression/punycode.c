/* The encoder of RFC 3492, section 6.3. */
#include "impression/punycode.h"

/* RFC 3492, 5. */
enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, FIRST_BIAS = 72, FIRST_N = 128 };

/* RFC 3492, 6.1. */
static uint32_t adapt(uint32_t delta, uint32_t n_points, int first)
{
    uint32_t k = 0;

    delta = first ? delta / DAMP : delta / 2;
    delta += delta / n_points;
    for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
        delta /= BASE - T_MIN;
    return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

struct output {
    char *bytes;
    size_t n, size; /* n > size: it does not fit */
};

static void put(struct output *out, char c)
{
    if (out->n < out->size)
        out->bytes[out->n] = c;
    out->n++;
}

static void put_digit(struct output *out, uint32_t digit)
{
    put(out, (char)(digit < 26 ? 'a' + digit : '0' + digit - 26));
}

/* delta as a variable-length integer. */
static void put_delta(struct output *out, uint32_t delta, uint32_t bias)
{
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;

        if (delta < t)
            break;
        put_digit(out, t + (delta - t) % (BASE - t));
        delta = (delta - t) / (BASE - t);
    }
    put_digit(out, delta);
}

static int32_t smallest_from(const int32_t *points, size_t n, int32_t least)
{
    int32_t smallest = INT32_MAX;

    for (size_t i = 0; i < n; i++)
        if (points[i] >= least && points[i] < smallest)
            smallest = points[i];
    return smallest;
}

/* RFC 3492, 6.3. With so few points below U+110000 delta stays within 29 bits. */
size_t punycode_encode(const int32_t *points, size_t n, char *out, size_t size)
{
    struct output output = {.bytes = out, .size = size};
    uint32_t delta = 0, bias = FIRST_BIAS, done, basic = 0;
    int32_t at = FIRST_N;

    if (n > PUNYCODE_MAX_POINTS)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (points[i] < FIRST_N)
            put(&output, (char)points[i]), basic++;
    if (basic)
        put(&output, '-');
    for (done = basic; done < n && output.n <= size; delta++, at++) {
        int32_t next = smallest_from(points, n, at);

        delta += (uint32_t)(next - at) * (done + 1);
        at = next;
        for (size_t i = 0; i < n; i++) {
            delta += points[i] < at;
            if (points[i] != at)
                continue;
            put_delta(&output, delta, bias);
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
    return output.n <= size ? output.n : 0;
}
