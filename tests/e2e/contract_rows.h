/*
 * CONTRACT 3 as a list of cases: every row of its tables, and every case that a row names. Each has a test,
 * CONTRACT_TEST(row, case), in one of tests/e2e/contract_*.c; test_e2e_contract_rows fails for one that has
 * none, and for a line of docs/CONTRACT.md's tables that has no row. A case that no client can bring about is in CONTRACT_ELSEWHERE, with the test that has it.
 */
#ifndef TESTS_E2E_CONTRACT_ROWS_H
#define TESTS_E2E_CONTRACT_ROWS_H

/* row, first words of its line in a table of docs/CONTRACT.md ("": it is in the text), what the contract says */
#define CONTRACT_ROWS(X)                                                                           \
    /* when things go wrong */                                                                     \
    X(grammar, "not HTTP/1.x grammar",                                                             \
      "not HTTP/1.x grammar, lengths, control bytes, Host: 400, closed")                           \
    X(coding, "Transfer-Encoding: exactly `chunked`",                                              \
      "Transfer-Encoding: exactly chunked, strictly; any other: 501, closed")                      \
    X(size, "head over 16 KiB",                                                                    \
      "head over 16 KiB or 64 fields / body over http.max_body_bytes: 431 / 413, closed")          \
    X(slow, "head not complete in 2 s", "head or body not complete in time: 408, closed")          \
    X(quiet, "idle keep-alive over",                                                               \
      "idle over http.idle_ms / answer not taken in http.write_ms: closed without a word")         \
    X(route, "wrong path, method",                                                                 \
      "wrong path, method (Allow), content type, content encoding: 404, 405, 415")                 \
    X(expect, "`Expect: 100-continue`", "Expect: 100-continue: 100, once the head is accepted")    \
    X(not_json, "not JSON", "RFC 8259, UTF-8, depth <= 32, no duplicate keys that matter: 400")    \
    X(invalid, "JSON but not a request",                                                           \
      "JSON but not a request: 422, every error with its JSON pointer")                            \
    X(unknown, "unknown `adid` without text", "unknown adid without text: counted in filtered")    \
    X(nothing, "nothing to show", "nothing to show: 200 with empty results")                       \
    X(truncated, "text or behaviour longer",                                                       \
      "text or behaviour longer than the model takes: truncated, oldest first")                    \
    X(redis, "Redis late, down",                                                                   \
      "Redis late, down, or answering nonsense: 200, degraded features")                           \
    X(backend, "backend failed", "backend failed: 200, degraded model")                            \
    X(late, "cannot be answered by the deadline",                                                  \
      "cannot be answered by the deadline, or too many waiting: deadline.on_late")                 \
    X(refused, "before the first verified model",                                                  \
      "before the first model; max_connections, memory_bytes, out of memory: 503")                 \
    X(room, "over `http.max_connections` otherwise",                                               \
      "who has been idle, or else slow, for longest makes room for a new connection")              \
    X(bug, "our own bug", "our own bug: 500, never a crash, never half an answer")                 \
    X(problem, "", "application/problem+json; never repeats user ids or bodies")                   \
    /* the request */                                                                              \
    X(id, "`id` |", "echoed; made up if absent")                                                   \
    X(tmax, "`tmax` |",                                                                            \
      "whole exchange, 0 = absent, min with deadline.max_ms, less deadline.network_ms")            \
    X(imp, "`imp[]` |",                                                                            \
      "id, tagid, bidfloor; none: one implied; each distinct context scored by itself")            \
    X(unique, "`imp[]` |", "rank.unique: imp, or request (greedy by ecpm, imp order, adid)")       \
    X(user, "`user.buyeruid` |", "buyeruid preferred to id for the stored history")                \
    X(place, "`site` / `app` |",                                                                   \
      "alike: domain or bundle, cat, search or keywords; app wins over site")                      \
    X(device, "", "devicetype, os, language, geo: part of the context")                            \
    X(blocks, "`badv`, `bcat`", "badv, bcat, cur, bidfloorcur honoured; answered in cur")          \
    X(privacy, "`regs`, `user.consent`",                                                           \
      "any signal that is there and not shown to be harmless: no history, degraded privacy")       \
    X(candidates, "`rank.candidates[]` |",                                                         \
      "in the catalog or with text; bid and bid_type override; limits; absent")                    \
    X(behaviour, "`rank.behaviour[]` |",                                                           \
      "types, items, texts; merged with the stored history, newest last")                          \
    X(top_n, "`rank.top_n` |", "ads per impression, default from config")                          \
    X(ignored, "", "unknown fields are ignored and counted")                                       \
    X(bounds, "", "ids, lists, imps x candidates and imps x top_n are bounded")                    \
    X(lenient, "", "null is absent, numbers by value, ids may be numbers; files are strict")       \
    /* the answer */                                                                               \
    X(answer, "", "fields, ecpm, order, numbers, generation, digest")                              \
    X(score, "", "the same request with the same world and features gives the same scores")        \
    X(header, "",                                                                                  \
      "X-Request-Id, traceparent, Server-Timing, Cache-Control, keep-alive, pipelining")           \
    X(degraded, "", "every reason, and its metric")                                                \
    X(filtered, "", "every reason, and its metric")

/* row, case */
#define CONTRACT_CASES(X)                                                                          \
    X(grammar, request_line)                                                                       \
    X(grammar, fields)                                                                             \
    X(grammar, ends_early)                                                                         \
    X(grammar, two_lengths)                                                                        \
    X(grammar, bad_length)                                                                         \
    X(grammar, length_and_coding)                                                                  \
    X(grammar, control_bytes)                                                                      \
    X(grammar, host)                                                                               \
    X(coding, chunked)                                                                             \
    X(coding, malformed)                                                                           \
    X(coding, any_other)                                                                           \
    X(size, head_bytes)                                                                            \
    X(size, head_fields)                                                                           \
    X(size, body)                                                                                  \
    X(slow, head)                                                                                  \
    X(slow, body)                                                                                  \
    X(slow, drip)                                                                                  \
    X(quiet, idle)                                                                                 \
    X(quiet, before_the_first_byte)                                                                \
    X(quiet, answer_not_taken)                                                                     \
    X(route, path)                                                                                 \
    X(route, method)                                                                               \
    X(route, content_type)                                                                         \
    X(route, content_encoding)                                                                     \
    X(expect, continued)                                                                           \
    X(expect, refused_head)                                                                        \
    X(not_json, syntax)                                                                            \
    X(not_json, utf8)                                                                              \
    X(not_json, depth)                                                                             \
    X(not_json, duplicate_keys)                                                                    \
    X(invalid, wrong_type)                                                                         \
    X(invalid, missing)                                                                            \
    X(invalid, out_of_range)                                                                       \
    X(invalid, too_long)                                                                           \
    X(invalid, every_error)                                                                        \
    X(lenient, requests)                                                                           \
    X(bounds, answer)                                                                              \
    X(unknown, adid)                                                                               \
    X(nothing, to_show)                                                                            \
    X(truncated, ad_text)                                                                          \
    X(truncated, behaviour_text)                                                                   \
    X(truncated, behaviour_events)                                                                 \
    X(redis, late)                                                                                 \
    X(redis, down)                                                                                 \
    X(redis, down_at_start)                                                                        \
    X(redis, wrong_type)                                                                           \
    X(redis, garbage_event)                                                                        \
    X(redis, error_replies)                                                                        \
    X(redis, no_redis_at_all)                                                                      \
    X(backend, failed)                                                                             \
    X(backend, not_finite)                                                                         \
    X(late, nothing_left)                                                                          \
    X(late, too_many)                                                                              \
    X(late, full_queue)                                                                            \
    X(late, some_contexts)                                                                         \
    X(late, refused_early)                                                                         \
    X(late, at_the_reserve)                                                                        \
    X(late, thousands_wait)                                                                        \
    X(refused, before_the_model)                                                                   \
    X(refused, max_connections)                                                                    \
    X(room, silent)                                                                                \
    X(room, used)                                                                                  \
    X(room, slow)                                                                                  \
    X(refused, body_memory)                                                                        \
    X(refused, out_of_memory)                                                                      \
    X(refused, any_allocation)                                                                     \
    X(bug, handler_forgets)                                                                        \
    X(bug, step_forgets)                                                                           \
    X(bug, step_fails)                                                                             \
    X(problem, form)                                                                               \
    X(problem, repeats_nothing)                                                                    \
    X(id, echoed)                                                                                  \
    X(id, made_up)                                                                                 \
    X(tmax, absent)                                                                                \
    X(tmax, zero)                                                                                  \
    X(tmax, clamped)                                                                               \
    X(tmax, from_the_first_byte)                                                                   \
    X(tmax, less_network)                                                                          \
    X(imp, id_twice)                                                                               \
    X(imp, tagid)                                                                                  \
    X(imp, bidfloor)                                                                               \
    X(imp, implied)                                                                                \
    X(imp, too_many)                                                                               \
    X(unique, imp)                                                                                 \
    X(unique, request)                                                                             \
    X(user, history)                                                                               \
    X(user, buyeruid)                                                                              \
    X(user, number)                                                                                \
    X(place, site_and_app)                                                                         \
    X(place, app_wins)                                                                             \
    X(place, fields)                                                                               \
    X(device, fields)                                                                              \
    X(blocks, badv)                                                                                \
    X(blocks, spelling)                                                                            \
    X(blocks, bcat)                                                                                \
    X(blocks, cur)                                                                                 \
    X(blocks, bidfloorcur)                                                                         \
    X(privacy, flags)                                                                              \
    X(privacy, strings)                                                                            \
    X(privacy, header)                                                                             \
    X(privacy, several)                                                                            \
    X(privacy, behaviour)                                                                          \
    X(privacy, log)                                                                                \
    X(candidates, with_text)                                                                       \
    X(candidates, bid)                                                                             \
    X(candidates, bid_type)                                                                        \
    X(candidates, too_many)                                                                        \
    X(candidates, absent)                                                                          \
    X(candidates, absent_and_cut)                                                                  \
    X(behaviour, fields)                                                                           \
    X(behaviour, merged)                                                                           \
    X(behaviour, same_event)                                                                       \
    X(behaviour, catalog_text)                                                                     \
    X(top_n, given)                                                                                \
    X(top_n, configured)                                                                           \
    X(top_n, too_many)                                                                             \
    X(ignored, fields)                                                                             \
    X(answer, fields)                                                                              \
    X(answer, ecpm)                                                                                \
    X(answer, order)                                                                               \
    X(answer, pctr_bounds)                                                                         \
    X(answer, generation)                                                                          \
    X(score, formula)                                                                              \
    X(score, same_in_any_batch)                                                                    \
    X(score, same_in_any_batch_cpu)                                                                \
    X(header, request_id)                                                                          \
    X(header, traceparent)                                                                         \
    X(header, server_timing)                                                                       \
    X(header, cache_control)                                                                       \
    X(header, keep_alive)                                                                          \
    X(header, pipelining)                                                                          \
    X(degraded, features)                                                                          \
    X(degraded, privacy)                                                                           \
    X(degraded, candidates)                                                                        \
    X(degraded, truncated)                                                                         \
    X(degraded, model)                                                                             \
    X(degraded, deadline)                                                                          \
    X(filtered, unknown)                                                                           \
    X(filtered, inactive)                                                                          \
    X(filtered, duplicate)                                                                         \
    X(filtered, floor)                                                                             \
    X(filtered, blocked)                                                                           \
    X(filtered, currency)                                                                          \
    X(filtered, no_bid)                                                                            \
    X(filtered, no_cvr)

/* row, case, file, text of that file. */
#define CONTRACT_ELSEWHERE(X)                                                                      \
    X(bug, forgotten_exchange, "tests/unit/server/net/connection.c",                               \
      "connection__answers_for_a_handler_that_does_not")

#endif
