// RFC 9457 problem details, written once for every API.
#include "web/problem.h"

#include "web/json.h"

#include <stdio.h>

enum { PROBLEM_MAX_BYTES = 4096 };

struct web_response *web_problem_response(const struct web_problem *problem)
{
    struct buffer body = buffer_init(PROBLEM_MAX_BYTES);
    struct web_json_writer writer = web_json_writer_init(&body);
    web_json_write_object(&writer);
    web_json_write_name(&writer, "type");
    char type[128];
    snprintf(type, sizeof(type), "urn:vedomo:problem:%s", problem->type);
    web_json_write_text(&writer, bytes_text(type));
    web_json_write_pair(&writer, "title", problem->title);
    web_json_write_name(&writer, "status");
    web_json_write_integer(&writer, problem->status);
    if (problem->detail != NULL) {
        web_json_write_pair(&writer, "detail", problem->detail);
    }
    if (problem->request != NULL) {
        web_json_write_pair(&writer, "request", problem->request);
    }
    web_json_write_object_end(&writer);
    buffer_u8(&body, '\n');
    struct web_response *response =
        web_response_create(problem->status, "application/problem+json", &body);
    buffer_fini(&body);
    if (response != NULL && problem->retry_after_s > 0) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%u", problem->retry_after_s);
        if (!web_response_header(response, "Retry-After", seconds)) {
            web_response_destroy(&response);
        }
    }
    return response;
}

void web_problem_reply(struct web_request **request, const struct web_problem *problem)
{
    struct web_response *response = web_problem_response(problem);
    web_reply(request, &response);
}
