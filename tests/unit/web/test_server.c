#include "web/problem.h"
#include "web/server.h"

#include "base/clock.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static _Atomic(struct web_request *) kept;

static struct web_request *wait_kept(void)
{
    int64_t deadline_ms = clock_monotonic_ms() + 5000;
    while (atomic_load(&kept) == NULL && clock_monotonic_ms() < deadline_ms) {
        poll(NULL, 0, 1);
    }
    struct web_request *request = atomic_exchange(&kept, NULL);
    assert_non_null(request);
    return request;
}

static void answer_text(struct web_request **request, unsigned status, const char *text)
{
    struct web_response *response =
        web_response_bytes(status, "text/plain; charset=utf-8", bytes_text(text));
    web_reply(request, &response);
}

// "/keep" is kept for the test; anything else is answered with what was understood of it.
static void on_request(struct web_request *request, void *context)
{
    (void)context;
    static const char *const languages[] = { "ru", "en" };
    if (strcmp(web_request_path(request), "/keep") == 0) {
        atomic_store(&kept, request);
        return;
    }
    const char *query = web_request_query(request, "q");
    const char *cookie = web_request_cookie(request, "c");
    const char *form = web_request_form(request, "f", 0);
    const char *second = web_request_form(request, "f", 1);
    const char *header = web_request_header(request, "x-test");
    struct bytes body = web_request_body(request);
    struct buffer text = buffer_init(100000);
    buffer_format(&text, "%s %s q=%s c=%s f=%s,%s h=%s peer=%s lang=%s body=%zu",
                  web_request_method(request), web_request_path(request), query ? query : "-",
                  cookie ? cookie : "-", form ? form : "-", second ? second : "-",
                  header ? header : "-", web_request_peer(request),
                  web_request_language(request, languages, 2), body.size);
    struct web_response *response = web_response_create(200, "text/plain", &text);
    buffer_fini(&text);
    web_reply(&request, &response);
}

static struct web_server *start(struct web_server_config config)
{
    struct error err;
    struct web_server *server = NULL;
    config.listen = config.listen == NULL ? "127.0.0.1:0" : config.listen;
    config.body_max_bytes = config.body_max_bytes == 0 ? 1000 : config.body_max_bytes;
    config.connections_max = 16;
    config.idle_timeout_ms = 5000;
    config.answer_timeout_ms = config.answer_timeout_ms == 0 ? 5000 : config.answer_timeout_ms;
    config.handler = on_request;
    assert_ok(web_server_start(&config, &server, &err));
    return server;
}

static int connect_to(const struct web_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(web_server_port(server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

// Reads to the end of the connection.
static const char *receive(int fd)
{
    static char answer[8192];
    size_t size = 0;
    ssize_t got = 0;
    while ((got = recv(fd, answer + size, sizeof(answer) - 1 - size, 0)) > 0) {
        size += (size_t)got;
    }
    answer[size] = '\0';
    close(fd);
    return answer;
}

static const char *exchange(const struct web_server *server, const char *text)
{
    int fd = connect_to(server);
    send_text(fd, text);
    return receive(fd);
}

TEST(a_request_reaches_its_handler_whole_and_decoded)
{
    struct web_server *server = start((struct web_server_config){ 0 });
    const char *answer = exchange(
        server, "POST /a%20b?q=x+y%26z HTTP/1.1\r\nHost: x\r\nCookie: c=1; d=2\r\nX-Test: h\r\n"
                "Accept-Language: de, en;q=0.8, ru;q=0.3\r\nConnection: close\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 19\r\n\r\n"
                "f=1%2B1+x&f=%D0%AF&");
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, "POST /a b q=x y&z c=1 f=1+1 x,\xd0\xaf h=h peer=127.0.0.1 "
                                   "lang=en body=19"));
    web_server_stop(&server);
    web_server_stop(&server);
}

TEST(form_fields_that_are_not_text_are_left_out)
{
    struct web_server *server = start((struct web_server_config){ 0 });
    const char *answer = exchange(server, "POST /p%00q HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                          "Content-Type: application/x-www-form-urlencoded\r\n"
                                          "Content-Length: 18\r\n\r\nf=%00&f=%ff&f=%4&f");
    assert_non_null(strstr(answer, "POST /p%00q q=- c=- f=,- h=-"));
    web_server_stop(&server);
}

TEST(a_body_over_the_limit_gets_413_and_no_handler_sees_it)
{
    struct web_server *server = start((struct web_server_config){ .body_max_bytes = 10 });
    const char *answer = exchange(server, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                          "Content-Length: 11\r\n\r\n12345678901");
    assert_non_null(strstr(answer, "HTTP/1.1 413"));
    assert_non_null(strstr(answer, "application/problem+json"));
    answer = exchange(server, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                              "Content-Length: 10\r\n\r\n1234567890");
    assert_non_null(strstr(answer, "body=10"));
    web_server_stop(&server);
}

TEST(a_kept_request_is_answered_from_another_thread_while_others_go_on)
{
    struct web_server *server = start((struct web_server_config){ 0 });
    int slow = connect_to(server);
    send_text(slow, "GET /keep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    struct web_request *request = wait_kept();
    assert_non_null(strstr(
        exchange(server, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "GET /b"));
    assert_string_equal(web_request_path(request), "/keep");
    answer_text(&request, 200, "late");
    assert_null(request);
    assert_non_null(strstr(receive(slow), "\r\n\r\nlate"));
    web_server_stop(&server);
}

TEST(a_request_that_nobody_answers_gets_504_and_the_late_answer_is_dropped)
{
    struct web_server *server = start((struct web_server_config){ .answer_timeout_ms = 50 });
    const char *answer =
        exchange(server, "GET /keep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 504"));
    struct web_request *request = wait_kept();
    answer_text(&request, 200, "too late");
    assert_non_null(strstr(
        exchange(server, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "GET /b"));
    web_server_stop(&server);
}

TEST(a_client_that_has_left_does_not_disturb_its_handler)
{
    struct web_server *server = start((struct web_server_config){ 0 });
    int fd = connect_to(server);
    send_text(fd, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    struct web_request *request = wait_kept();
    close(fd);
    answer_text(&request, 200, "for nobody");
    assert_non_null(strstr(
        exchange(server, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "GET /b"));
    web_server_stop(&server);
}

TEST(stopping_answers_what_waits_with_503_and_a_later_answer_is_harmless)
{
    struct web_server *server = start((struct web_server_config){ 0 });
    int fd = connect_to(server);
    send_text(fd, "GET /keep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    struct web_request *request = wait_kept();
    web_server_stop(&server);
    assert_non_null(strstr(receive(fd), "HTTP/1.1 503"));
    assert_string_equal(web_request_path(request), "/keep");
    answer_text(&request, 200, "after the end");
}

TEST(too_many_requests_under_way_get_503_with_retry_after)
{
    struct web_server *server = start((struct web_server_config){ .answer_timeout_ms = 1 });
    // Kept requests stay held after their 504: the bound is 2 * 16 + 16.
    struct web_request *held[48];
    for (size_t i = 0; i < 48; i++) {
        exchange(server, "GET /keep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        held[i] = wait_kept();
    }
    const char *answer =
        exchange(server, "GET /keep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 503"));
    assert_non_null(strstr(answer, "Retry-After: 1"));
    for (size_t i = 0; i < 48; i++) {
        answer_text(&held[i], 200, "x");
    }
    web_server_stop(&server);
}

TEST(a_socket_in_the_file_system_has_its_permissions_and_replaces_an_old_one)
{
    char path[200];
    char listen[sizeof(path) + 8];
    snprintf(path, sizeof(path), "%s/http", test_directory());
    snprintf(listen, sizeof(listen), "unix:%s", path);
    for (int round = 0; round < 2; round++) {
        struct web_server *server =
            start((struct web_server_config){ .listen = listen, .unix_mode = 0660 });
        struct stat file;
        assert_int_equal(lstat(path, &file), 0);
        assert_true(S_ISSOCK(file.st_mode));
        assert_int_equal(file.st_mode & 0777, 0660);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        memcpy(address.sun_path, path, strlen(path) + 1);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_non_null(strstr(receive(fd), "peer=unix"));
        web_server_stop(&server);
        assert_int_not_equal(lstat(path, &file), 0);
        // What a crash leaves behind.
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        close(fd);
    }
}

TEST(a_file_that_is_no_socket_is_not_replaced)
{
    char listen[208];
    snprintf(listen, sizeof(listen), "unix:%s/http", test_directory());
    const char *path = listen + sizeof("unix:") - 1;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    struct error err;
    struct web_server *server = NULL;
    struct web_server_config config = {
        .listen = listen, .unix_mode = 0600, .connections_max = 1, .handler = on_request
    };
    assert_status(ST_EXISTS, web_server_start(&config, &server, &err));
    assert_null(server);
}

TEST(a_place_to_listen_at_is_digits_and_a_port_or_an_absolute_path_where_one_may_be)
{
    struct error err;
    struct web_server *server = NULL;
    const struct {
        const char *listen;
        unsigned unix_mode;
    } bad[] = { { "localhost:80", 0 },
                { "127.0.0.1", 0 },
                { "unix:/tmp/never-made", 0 },
                { "unix:never-made", 0660 } };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct web_server_config config = { .listen = bad[i].listen,
                                            .unix_mode = bad[i].unix_mode,
                                            .connections_max = 1,
                                            .handler = on_request };
        assert_status(ST_USAGE, web_server_start(&config, &server, &err));
        assert_null(server);
    }
}

TEST(a_problem_names_its_type_and_when_to_come_back)
{
    struct web_problem problem = { .status = 503,
                                   .type = "busy",
                                   .title = "Busy.",
                                   .detail = "the \"holder\"",
                                   .retry_after_s = 3 };
    struct web_response *response = web_problem_response(&problem);
    assert_non_null(response);
    assert_false(web_response_header(response, "X", "a\r\nSet-Cookie: b"));
    web_response_destroy(&response);
    web_response_destroy(&response);
}
