/*
 * Requests that are refused for what they are as HTTP, for the tests of the reader and of the
 * daemon: each shows all of them. They are refused by any limits, and the connection is closed.
 */
#ifndef TESTS_REFUSED_REQUESTS_H
#define TESTS_REFUSED_REQUESTS_H

#define H "Host: a\r\n"
#define POST "POST / HTTP/1.1\r\n" H
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct refused_request {
    const char *name, *bytes;
    int status;
    const char *code; /* of the problem */
} refused_requests[] = {
    /* request line */
    {"two empty lines ahead", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"bare LF ahead", "\nGET / HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"no version", "GET /\r\n\r\n", 400, "bad_request"},
    {"two blanks", "GET  / HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"blank ahead", " GET / HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"blank behind", "GET / HTTP/1.1 \r\n" H "\r\n", 400, "bad_request"},
    {"tab between", "GET\t/\tHTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"method is no token", "GE(T / HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"version 2", "GET / HTTP/2.0\r\n" H "\r\n", 400, "bad_request"},
    {"version 0.9", "GET / HTTP/0.9\r\n\r\n", 400, "bad_request"},
    {"version 1.10", "GET / HTTP/1.10\r\n" H "\r\n", 400, "bad_request"},
    {"version 1.", "GET / HTTP/1.\r\n" H "\r\n", 400, "bad_request"},
    {"version in small letters", "GET / http/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"},
    {"TLS hello", "\x16\x03\x01\x02", 400, "bad_request"},
    {"relative target", "GET a HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"bad percent", "GET /%zz HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"cut percent", "GET /%4 HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"quote in the target", "GET /\"a HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"backslash in the target", "GET \\a HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"obs-text in the target", "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"user info", "GET http://u@a/ HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"other scheme", "GET ftp://a/ HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"no authority", "GET http:///a HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"asterisk of a get", "GET * HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"connect without a port", "CONNECT a HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"connect to a path", "CONNECT / HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"method alone", "POST\r\n\r\n", 400, "bad_request"},

    /* lines and fields */
    {"bare LF", "GET / HTTP/1.1\n" H "\r\n", 400, "bad_request"},
    {"bare LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "bad_request"},
    {"bare LF ends the head", "GET / HTTP/1.1\r\n" H "\n", 400, "bad_request"},
    {"bare CR", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400, "bad_request"},
    {"CR CR LF", "GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n", 400, "bad_request"},
    {"control byte", "GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", 400, "bad_request"},
    {"delete byte", "GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", 400, "bad_request"},
    {"escape in the request line", "GET /\x1b HTTP/1.1\r\n" H "\r\n", 400, "bad_request"},
    {"obs-fold", "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400, "bad_request"},
    {"first field folded", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "bad_request"},
    {"blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "bad_request"},
    {"no colon", "GET / HTTP/1.1\r\n" H "X\r\n\r\n", 400, "bad_request"},
    {"no name", "GET / HTTP/1.1\r\n" H ": a\r\n\r\n", 400, "bad_request"},
    {"name is no token", "GET / HTTP/1.1\r\n" H "X{}: a\r\n\r\n", 400, "bad_request"},
    {"name in Latin 1", "GET / HTTP/1.1\r\n" H "\xe9: a\r\n\r\n", 400, "bad_request"},

    /* Host */
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400, "bad_host"},
    {"two hosts", "GET / HTTP/1.1\r\n" H H "\r\n", 400, "bad_host"},
    {"two hosts in 1.0", "GET / HTTP/1.0\r\n" H H "\r\n", 400, "bad_host"},
    {"host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad_host"},
    {"host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad_host"},
    {"host with user info", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "bad_host"},
    {"list of hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "bad_host"},
    {"bad port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400, "bad_host"},
    {"absolute form and no host", "GET http://a/ HTTP/1.1\r\n\r\n", 400, "bad_host"},

    /* framing */
    {"two lengths", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, "bad_length"},
    {"two equal lengths", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400,
     "bad_length"},
    {"list of lengths", POST "Content-Length: 5, 5\r\n\r\nhello", 400, "bad_length"},
    {"negative length", POST "Content-Length: -1\r\n\r\n", 400, "bad_length"},
    {"signed length", POST "Content-Length: +5\r\n\r\nhello", 400, "bad_length"},
    {"hex length", POST "Content-Length: 0x5\r\n\r\nhello", 400, "bad_length"},
    {"empty length", POST "Content-Length:\r\n\r\n", 400, "bad_length"},
    {"length with a blank", POST "Content-Length: 1 2\r\n\r\n", 400, "bad_length"},
    {"length with a point", POST "Content-Length: 5.0\r\n\r\n", 400, "bad_length"},
    {"length and chunked", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400, "bad_length"},
    {"chunked and length", POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
     400, "bad_length"},
    {"length and identity", POST "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
     400, "bad_length"},
    {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "bad_length"},
    {"gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "transfer_encoding"},
    {"chunked twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501,
     "transfer_encoding"},
    {"chunked, chunked", POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501,
     "transfer_encoding"},
    {"chunked with a comma", POST "Transfer-Encoding: chunked,\r\n\r\n", 501, "transfer_encoding"},
    {"xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n", 501, "transfer_encoding"},
    {"identity", POST "Transfer-Encoding: identity\r\n\r\n", 501, "transfer_encoding"},
    {"no coding", POST "Transfer-Encoding:\r\n\r\n", 501, "transfer_encoding"},
    {"chunked in quotes", POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501, "transfer_encoding"},
    {"length beyond 64 bits", POST "Content-Length: 99999999999999999999999\r\n\r\n", 413,
     "body_too_large"},
    {"length of 2^64 + 1", POST "Content-Length: 18446744073709551617\r\n\r\n", 413,
     "body_too_large"},
    {"length with an exponent", POST "Content-Length: 1e1\r\n\r\n{}", 400, "bad_length"},
    {"length in words", POST "Content-Length: two\r\n\r\n{}", 400, "bad_length"},
    {"length with a parameter", POST "Content-Length: 2;\r\n\r\n{}", 400, "bad_length"},
    {"length in Arabic digits", POST "Content-Length: \xd9\xa2\r\n\r\n{}", 400, "bad_length"},
    {"gzip", POST "Transfer-Encoding: gzip\r\n\r\n", 501, "transfer_encoding"},
    {"chunked, gzip", POST "Transfer-Encoding: chunked, gzip\r\n\r\n", 501, "transfer_encoding"},
    {"chunked with a parameter", POST "Transfer-Encoding: chunked;a=b\r\n\r\n", 501,
     "transfer_encoding"},

    /* chunks */
    {"no size", CHUNKED "\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"size with 0x", CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"signed size", CHUNKED "+5\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"size with a blank", CHUNKED "5 \r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"blank before the size", CHUNKED " 5\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"size of nine digits", CHUNKED "000000005\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"size ends with LF", CHUNKED "5\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"size ends with CR", CHUNKED "5\rhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"chunk too long", CHUNKED "5\r\nhellox\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"chunk ends with LF", CHUNKED "5\r\nhello\n0\r\n\r\n", 400, "bad_chunk"},
    {"chunk ends with CR", CHUNKED "5\r\nhello\rx0\r\n\r\n", 400, "bad_chunk"},
    {"bare LF in an extension", CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"control byte in an extension", CHUNKED "5;\x02\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"bare CR in an extension", CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"chunk over the limit", CHUNKED "ffffffff\r\n", 413, "body_too_large"},
    {"end ends with LF", CHUNKED "0\r\n\n", 400, "bad_chunk"},
    {"trailer folded", CHUNKED "0\r\n A: b\r\n\r\n", 400, "bad_chunk"},
    {"trailer without a colon", CHUNKED "0\r\nA\r\n\r\n", 400, "bad_chunk"},
    {"trailer with a blank", CHUNKED "0\r\nA : b\r\n\r\n", 400, "bad_chunk"},
    {"trailer ends with LF", CHUNKED "0\r\nA: b\n\r\n", 400, "bad_chunk"},
    {"control byte in a trailer", CHUNKED "0\r\nA: \x03\r\n\r\n", 400, "bad_chunk"},
    {"size of no digit", CHUNKED "x\r\n{}\r\n0\r\n\r\n", 400, "bad_chunk"},
    {"chunk without its end", CHUNKED "2\r\n{}0\r\n\r\n", 400, "bad_chunk"},
};

#endif
