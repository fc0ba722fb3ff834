/* Writes status line and fields. */
#include "server/net/response_head.h"

#include <stdio.h>
#include <time.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

void http_date(int64_t unix_s, char out[HTTP_DATE_BYTES])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)unix_s;
    struct tm tm;

    gmtime_r(&t, &tm);
    snprintf(out, HTTP_DATE_BYTES, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + tm.tm_wday * 3,
             tm.tm_mday % 100, months + tm.tm_mon * 3, (tm.tm_year + 1900) % 10000,
             tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
}

static bool is_id_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("._:+/=-", c));
}

bool request_id_is_valid(struct view id)
{
    if (id.len == 0 || id.len > HTTP_CALL_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (!is_id_byte(id.ptr[i]))
            return false;
    return true;
}

static void add_field(struct buf *out, const char *name, const char *value)
{
    buf_add_str(out, name);
    buf_add_str(out, value);
    buf_add(out, "\r\n", 2);
}

void response_head(struct buf *out, const struct http_response *response,
                   const struct response_head_args *args)
{
    buf_clear(out);
    buf_add_str(out, "HTTP/1.1 ");
    buf_add_int(out, response->status);
    add_field(out, " ", http_reason(response->status));
    add_field(out, "Date: ", args->date);
    if (response->body.len)
        add_field(out, "Content-Type: ",
                  response->content_type ? response->content_type : "application/json");
    buf_add_str(out, "Content-Length: ");
    buf_add_int(out, (int64_t)response->body.len);
    add_field(out, "\r\nX-Request-Id: ", args->request_id);
    buf_add_str(out, "Cache-Control: no-store\r\n");
    if (args->close)
        buf_add_str(out, "Connection: close\r\n");
    else if (args->keep_alive)
        buf_add_str(out, "Connection: keep-alive\r\n");
    buf_add_view(out, response->headers);
    buf_add(out, "\r\n", 2);
}
