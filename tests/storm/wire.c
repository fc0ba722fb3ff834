/* Sends bytes in hostile ways and reads what comes back. */
#define _GNU_SOURCE /* memmem */
#include "tests/storm/wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/dial.h"
#include "tests/storm/answer.h"

enum { MAX_MESSAGES = 6, BYTEWISE = 900 /* bytes, at most */ };

#define TIMERS_US 100000 /* no timer of the daemon closes a connection earlier */

/* How the connection behaves. */
enum reading { READ_AT_ONCE, READ_AFTER, READ_SLOWLY, READ_NEVER };
enum ending { END_WHEN_ANSWERED, END_HALF_CLOSED, END_CLOSED, END_RESET };

struct wire {
    struct storm *storm;
    struct rng *rng;
    int fd;
    struct message messages[MAX_MESSAGES];
    int n, n_answered;
    struct buf out, in;
    size_t sent, stop_at; /* of out */
    size_t parsed;        /* of in */
    size_t piece;         /* bytes per send */
    int nap_one_in;       /* sends between naps; 0: none */
    enum reading reading;
    enum ending ending;
    bool admin, over, lost; /* over: the last answer closes; lost: the connection ended by itself */
    int64_t start_us;
};

static void nap(int ms)
{
    poll(NULL, 0, ms);
}

/* Every message is answered: nothing is truncated or sent slowly. */
static bool is_benign(const struct wire *w)
{
    return w->ending == END_WHEN_ANSWERED && w->stop_at == w->out.len && !w->nap_one_in &&
           w->reading <= READ_AFTER && w->messages[w->n - 1].plain && w->piece > 1;
}

/* ---- responses ------------------------------------------------------------------------------- */

static void complain(struct wire *w, const char *what)
{
    size_t from = w->parsed < w->in.len ? w->parsed : w->in.len;
    int n = (int)(w->in.len - from < 700 ? w->in.len - from : 700);

    storm_fail(w->storm, "%s (answer %d of %d%s); there is:\n%.*s\nof:\n%.*s", what, w->n_answered,
               w->n, w->admin ? ", admin" : "", n, w->in.ptr ? w->in.ptr + from : "",
               (int)(w->out.len < 600 ? w->out.len : 600), w->out.ptr);
}

static void check_answer(struct wire *w, const struct response_reader *r, const char *bytes)
{
    const struct message *m = w->n_answered < w->n ? &w->messages[w->n_answered] : NULL;
    struct view id = response_header(r, bytes, "X-Request-Id");
    struct view type = response_header(r, bytes, "Content-Type");
    const char *complaint =
        answer_complaint(r->status, type, (struct view){bytes + r->body_start, r->body_len});

    if (complaint)
        complain(w, complaint);
    else if (m && m->plain && r->keep_alive && !view_is(id, m->id))
        complain(w, "answered with the id of another");
    else if (!m && w->messages[w->n - 1].plain)
        complain(w, "more answers than requests");
    if (r->status > 0 && r->status < 600)
        atomic_fetch_add(&w->storm->statuses[r->status], 1);
    atomic_fetch_add(&w->storm->answered, 1);
    w->n_answered++;
    w->over = !r->keep_alive;
}

/* Takes complete answers out of the received bytes. */
static void parse(struct wire *w, bool eof)
{
    while (w->parsed < w->in.len && !atomic_load(&w->storm->failed)) {
        char *bytes = w->in.ptr + w->parsed;
        size_t len = w->in.len - w->parsed;
        struct response_reader reader;
        enum response_progress progress;

        if (w->over) {
            /* An incomplete head may be a HEAD's without the server knowing. */
            if (w->n_answered > w->n || !w->messages[w->n_answered - 1].head)
                complain(w, "bytes after an answer that closes");
            return;
        }
        response_reader_init(&reader, w->n_answered < w->n && w->messages[w->n_answered].head);
        progress = response_reader_run(&reader, bytes, &len, eof);
        if (progress == RESPONSE_BAD && !eof)
            complain(w, "not HTTP");
        if (progress != RESPONSE_DONE)
            return;
        check_answer(w, &reader, bytes);
        w->parsed += reader.end;
    }
}

/* Returns false if nothing more will arrive. */
static bool take(struct wire *w, size_t most)
{
    char *into = buf_reserve(&w->in, 65536);
    ssize_t n = recv(w->fd, into, most < 65536 ? most : 65536, MSG_DONTWAIT);

    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        w->lost = true;
        return false;
    }
    w->in.len += (size_t)n;
    return true;
}

/* ---- a connection ---------------------------------------------------------------------------- */

static bool open_connection(struct wire *w)
{
    struct pollfd p = {.events = POLLOUT};
    struct err err;
    int small = 4096;

    p.fd = w->fd = dial(w->admin ? w->storm->daemon->admin : w->storm->daemon->address, &err);
    if (w->fd == -1)
        return false;
    if (w->reading >= READ_SLOWLY)
        setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    atomic_fetch_add(&w->storm->connections, 1);
    return poll(&p, 1, w->storm->patience_ms) == 1;
}

static void plan(struct wire *w, const struct body_seeds *seeds)
{
    static const size_t pieces[] = {1, 7, 100, 1460, 1 << 20, 1 << 20, 1 << 20};

    w->admin = storm_one_in(w->rng, 12);
    do
        message_make(seeds, w->rng, w->admin, &w->messages[w->n++], &w->out);
    while (w->n < MAX_MESSAGES && !w->messages[w->n - 1].closes && !storm_one_in(w->rng, 3));
    for (int i = 0; i < w->n; i++)
        atomic_fetch_add(&w->storm->sent, 1);
    w->piece = pieces[storm_below(w->rng, sizeof(pieces) / sizeof(pieces[0]))];
    if (w->piece == 1 && w->out.len > BYTEWISE)
        w->piece = 100;
    w->nap_one_in = storm_one_in(w->rng, 6) ? 1 + storm_below(w->rng, 40) : 0;
    w->reading = storm_one_in(w->rng, 4) ? (enum reading)storm_below(w->rng, 4) : READ_AT_ONCE;
    w->ending = storm_one_in(w->rng, 3) ? (enum ending)storm_below(w->rng, 4) : END_WHEN_ANSWERED;
    w->stop_at = storm_one_in(w->rng, 6) ? rng_below(w->rng, w->out.len + 1) : w->out.len;
}

/* Returns false if the other side has closed it. */
static bool send_piece(struct wire *w)
{
    size_t left = w->stop_at - w->sent, piece = w->piece < left ? w->piece : left;
    struct pollfd p = {.fd = w->fd, .events = (short)(POLLOUT | (w->reading ? 0 : POLLIN))};
    ssize_t n;

    if (poll(&p, 1, w->storm->patience_ms) <= 0)
        return false; /* it reads no further: write_ms and similar timers close it */
    if (p.revents & POLLIN && !take(w, SIZE_MAX))
        return false;
    if (!(p.revents & POLLOUT))
        return !(p.revents & (POLLERR | POLLHUP));
    n = send(w->fd, w->out.ptr + w->sent, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR;
    w->sent += (size_t)n;
    if (w->nap_one_in && storm_one_in(w->rng, w->nap_one_in))
        nap(storm_one_in(w->rng, 30) ? 500 : storm_below(w->rng, 8)); /* some are too slow */
    return true;
}

/* Until everything is answered, the connection ends, or patience_ms is over. */
static void receive(struct wire *w)
{
    int64_t until_us = clock_now_us() + w->storm->patience_ms * 1000LL;
    bool waits = w->ending <= END_HALF_CLOSED && w->stop_at == w->out.len;
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    int slow = w->reading == READ_SLOWLY ? 200 : -1;

    while (!w->lost && !w->over && w->n_answered < w->n && slow != 0) {
        int ms = storm_one_in(w->rng, 10) ? 500 : 20;

        if ((waits && w->messages[w->n - 1].plain) || w->in.len > w->parsed)
            ms = w->storm->patience_ms;
        if (poll(&p, 1, ms) <= 0 || clock_now_us() > until_us)
            break;
        if (slow > 0 && slow--)
            nap(1);
        take(w, slow >= 0 ? 200 : SIZE_MAX);
        parse(w, false);
    }
}

static void end(struct wire *w)
{
    const struct linger now = {1, 0};

    if (w->ending == END_RESET)
        setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(w->fd);
}

/* No answer contains a user's id; every good request is answered. */
static void judge(struct wire *w)
{
    if (w->in.len && memmem(w->in.ptr, w->in.len, STORM_MARK, sizeof(STORM_MARK) - 1))
        complain(w, "an answer repeats a user's id");
    if (w->ending <= END_HALF_CLOSED && w->reading <= READ_AFTER && !w->lost && !w->over &&
        w->in.len > w->parsed)
        complain(w, "half an answer");
    if (!is_benign(w) || w->n_answered >= w->n || w->over)
        return;
    if (!w->lost)
        complain(w, "no answer");
    else if (w->in.len > w->parsed && w->sent == w->out.len)
        complain(w, "half an answer, then closed");
    else if (w->sent == w->out.len && clock_now_us() - w->start_us < TIMERS_US)
        complain(w, "closed without an answer");
}

void wire_live(struct storm *storm, const struct body_seeds *seeds, struct rng *rng)
{
    struct wire w = {.storm = storm, .rng = rng, .fd = -1, .start_us = clock_now_us()};

    plan(&w, seeds);
    if (open_connection(&w)) {
        while (w.sent < w.stop_at && send_piece(&w))
            parse(&w, false);
        if (w.ending == END_HALF_CLOSED)
            shutdown(w.fd, SHUT_WR);
        if (w.reading != READ_NEVER && w.ending <= END_HALF_CLOSED)
            receive(&w);
        parse(&w, w.lost);
        judge(&w);
    }
    if (w.fd != -1)
        end(&w);
    buf_release(&w.in);
    buf_release(&w.out);
}
