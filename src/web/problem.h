// Problem details for HTTP APIs (RFC 9457): the one form in which an API says no.
#pragma once

#include "web/server.h"

struct web_problem {
    unsigned status;        // HTTP status
    const char *type;       // the problem's name, sent as "urn:vedomo:problem:NAME"
    const char *title;      // the same for everyone: a short sentence
    const char *detail;     // this occurrence, with its subject; NULL: none
    const char *request;    // the id of the request it is about; NULL: none
    unsigned retry_after_s; // 0: no Retry-After
};

// NULL: no memory.
NODISCARD struct web_response *web_problem_response(const struct web_problem *problem);

// Answers with the problem.
void web_problem_reply(struct web_request **request, const struct web_problem *problem);
