// Every message as a struct: `message FooBar` of proto/vedomo/v1/ is `struct wire_foo_bar`, with
// the same field names (`signed` is `signed_`, as it is a word of C). The one place that includes
// headers for others: messages carry one another across the files, and whoever handles frames
// handles most of them.
#pragma once

#include "wire/codes.h"
#include "wire/consent.h"
#include "wire/control.h"
#include "wire/entry.h"
#include "wire/exchange.h"
#include "wire/head.h"
#include "wire/link.h"
