// The client against servers that behave and servers that do not.
#include "web/client.h"

#include "base/clock.h"
#include "test.h"
#include "web/address.h"
#include "web/server.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen {
    unsigned count;
    unsigned status;
    char type[64];
    char body[256];
    char address[64];
    char problem[256];
};

static void on_done(void *context, const struct web_answer *answer)
{
    struct seen *seen = context;
    seen->count++;
    seen->status = answer->status;
    snprintf(seen->type, sizeof(seen->type), "%s", answer->content_type);
    snprintf(seen->body, sizeof(seen->body), "%.*s", (int)answer->body.size,
             answer->body.size == 0 ? "" : (const char *)answer->body.data);
    snprintf(seen->address, sizeof(seen->address), "%s", answer->address);
    snprintf(seen->problem, sizeof(seen->problem), "%s", answer->problem);
    assert_ptr_equal(answer->tag, seen);
}

static struct seen call(uint16_t port, const char *path, const char *body, size_t most,
                        int64_t timeout_ms)
{
    struct error err;
    struct web_client *client = NULL;
    struct seen seen = { 0 };
    char url[128];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
    assert_ok(web_client_create(&client, &err));
    const struct web_call asked = { .url = url,
                                    .body = bytes_text(body == NULL ? "" : body),
                                    .content_type = body == NULL ? NULL : "text/plain",
                                    .answer_max_bytes = most,
                                    .timeout_ms = timeout_ms,
                                    .tag = &seen };
    assert_ok(web_client_start(client, &asked, &err));
    int64_t deadline_ms = clock_monotonic_ms() + 20000;
    while (seen.count == 0 && clock_monotonic_ms() < deadline_ms) {
        web_client_step(client, 50, on_done, &seen);
    }
    assert_int_equal(seen.count, 1);
    web_client_destroy(&client);
    return seen;
}

static void on_request(struct web_request *request, void *context)
{
    (void)context;
    char text[256];
    struct bytes body = web_request_body(request);
    const char *path = web_request_path(request);
    bool moved = strcmp(path, "/moved") == 0;
    snprintf(text, sizeof(text), "%s %s %.*s", web_request_method(request), path, (int)body.size,
             body.size == 0 ? "" : (const char *)body.data);
    struct web_response *response =
        web_response_bytes(moved ? 302 : 200, "text/x.tlog.size", bytes_text(text));
    if (moved) {
        assert_true(web_response_header(response, "Location", "/elsewhere"));
    }
    web_reply(&request, &response);
}

static struct web_server *start_server(void)
{
    struct error err;
    struct web_server *server = NULL;
    const struct web_server_config config = { .listen = "127.0.0.1:0",
                                              .body_max_bytes = 10000,
                                              .connections_max = 16,
                                              .idle_timeout_ms = 5000,
                                              .answer_timeout_ms = 5000,
                                              .handler = on_request };
    assert_ok(web_server_start(&config, &server, &err));
    return server;
}

TEST(a_post_and_a_get_are_answered)
{
    struct web_server *server = start_server();
    struct seen seen = call(web_server_port(server), "/a", "hello", 1000, 5000);
    assert_int_equal(seen.status, 200);
    assert_string_equal(seen.body, "POST /a hello");
    assert_string_equal(seen.type, "text/x.tlog.size");
    assert_string_equal(seen.address, "127.0.0.1");
    seen = call(web_server_port(server), "/b", NULL, 1000, 5000);
    assert_string_equal(seen.body, "GET /b ");
    web_server_stop(&server);
}

TEST(a_redirect_is_an_answer_and_is_not_followed)
{
    struct web_server *server = start_server();
    struct seen seen = call(web_server_port(server), "/moved", "x", 1000, 5000);
    assert_int_equal(seen.status, 302);
    web_server_stop(&server);
}

TEST(an_answer_beyond_the_bound_is_none)
{
    struct web_server *server = start_server();
    struct seen seen = call(web_server_port(server), "/a", "hello", 5, 5000);
    assert_int_equal(seen.status, 0);
    assert_string_equal(seen.body, "");
    assert_non_null(strstr(seen.problem, "longer"));
    web_server_stop(&server);
}

// A listener that takes connections into its backlog and never says a word.
static int listen_silently(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

TEST(silence_ends_with_the_time_that_was_given)
{
    uint16_t port = 0;
    int fd = listen_silently(&port);
    int64_t begin_ms = clock_monotonic_ms();
    struct seen seen = call(port, "/a", "x", 1000, 300);
    assert_int_equal(seen.status, 0);
    assert_true(seen.problem[0] != '\0');
    assert_true(clock_monotonic_ms() - begin_ms < 10000);
    close(fd);
}

TEST(nobody_there_is_no_answer)
{
    uint16_t port = 0;
    close(listen_silently(&port));
    struct seen seen = call(port, "/a", "x", 1000, 5000);
    assert_int_equal(seen.status, 0);
    assert_true(seen.problem[0] != '\0');
}

TEST(other_schemes_are_refused)
{
    struct error err;
    struct web_client *client = NULL;
    static const char *const urls[] = { "file:///etc/passwd", "ftp://x/", "", "localhost:1" };
    assert_ok(web_client_create(&client, &err));
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        const struct web_call asked = { .url = urls[i], .timeout_ms = 1000 };
        assert_status(ST_USAGE, web_client_start(client, &asked, &err));
    }
    web_client_destroy(&client);
}

TEST(an_address_of_this_host_is_its_own)
{
    static const char *const own[] = {
        "127.0.0.1", "127.8.9.1", "0.0.0.0",          "169.254.3.4", "::1",        "::",
        "fe80::1",   "",          "::ffff:127.0.0.1", "localhost",   "::ffff:0:0", "not an address",
    };
    static const char *const others[] = { "192.0.2.1", "198.51.100.7", "2001:db8::1",
                                          "::ffff:192.0.2.1" };
    for (size_t i = 0; i < ARRAY_COUNT(own); i++) {
        assert_true(web_address_is_own(own[i]));
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_false(web_address_is_own(others[i]));
    }
}

TEST(an_address_of_an_interface_is_its_own)
{
    struct ifaddrs *all = NULL;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET) {
            const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)at->ifa_addr;
            assert_non_null(inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text)));
            assert_true(web_address_is_own(text));
        }
    }
    freeifaddrs(all);
}

TEST(an_address_to_listen_on_is_read_strictly)
{
    struct error err;
    char address[64];
    uint16_t port = 0;
    assert_ok(web_address_parse("127.0.0.1:8470", address, sizeof(address), &port, &err));
    assert_string_equal(address, "127.0.0.1");
    assert_int_equal(port, 8470);
    assert_ok(web_address_parse("[::1]:0", address, sizeof(address), &port, &err));
    assert_string_equal(address, "::1");
    static const char *const bad[] = { "",           "127.0.0.1",       ":80",
                                       "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:08",
                                       "127.0.0.1:x" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_status(ST_USAGE, web_address_parse(bad[i], address, sizeof(address), &port, &err));
    }
}
