// The message reference as protobuf-c compiled it.
#pragma once

#include "test.h"

#include "vedomo/v1/consent.pb-c.h"
#include "vedomo/v1/control.pb-c.h"
#include "vedomo/v1/entry.pb-c.h"
#include "vedomo/v1/exchange.pb-c.h"
#include "vedomo/v1/head.pb-c.h"
#include "vedomo/v1/link.pb-c.h"
#include "wire/rules.h"

// Descriptors that are reached from the messages at the top, by full name.
static inline const ProtobufCMessageDescriptor *descriptor_of(const char *name)
{
    static const ProtobufCMessageDescriptor *const all[] = {
        &vedomo__v1__head__descriptor,          &vedomo__v1__batch_sig__descriptor,
        &vedomo__v1__extension__descriptor,     &vedomo__v1__key_signature__descriptor,
        &vedomo__v1__signed__descriptor,        &vedomo__v1__card__descriptor,
        &vedomo__v1__member_order__descriptor,  &vedomo__v1__bundle_head__descriptor,
        &vedomo__v1__hello__descriptor,         &vedomo__v1__welcome__descriptor,
        &vedomo__v1__ping__descriptor,          &vedomo__v1__pong__descriptor,
        &vedomo__v1__announcement__descriptor,  &vedomo__v1__proof__descriptor,
        &vedomo__v1__busy__descriptor,          &vedomo__v1__field_ask__descriptor,
        &vedomo__v1__basis__descriptor,         &vedomo__v1__request__descriptor,
        &vedomo__v1__params__descriptor,        &vedomo__v1__param__descriptor,
        &vedomo__v1__receipt__descriptor,       &vedomo__v1__ask__descriptor,
        &vedomo__v1__answer_field__descriptor,  &vedomo__v1__answer__descriptor,
        &vedomo__v1__box_content__descriptor,   &vedomo__v1__release__descriptor,
        &vedomo__v1__refusal__descriptor,       &vedomo__v1__ack_item__descriptor,
        &vedomo__v1__ack__descriptor,           &vedomo__v1__cancel__descriptor,
        &vedomo__v1__verdict__descriptor,       &vedomo__v1__exchange_part__descriptor,
        &vedomo__v1__delivery__descriptor,      &vedomo__v1__subject_part__descriptor,
        &vedomo__v1__officer_part__descriptor,  &vedomo__v1__consent_seen__descriptor,
        &vedomo__v1__counter_seen__descriptor,  &vedomo__v1__public_part__descriptor,
        &vedomo__v1__receipt_extra__descriptor, &vedomo__v1__consent_record__descriptor,
        &vedomo__v1__artefact__descriptor,      &vedomo__v1__consent_change__descriptor,
        &vedomo__v1__session__descriptor,       &vedomo__v1__query__descriptor,
        &vedomo__v1__control__descriptor,       &vedomo__v1__chunk__descriptor,
        &vedomo__v1__result__descriptor,        &vedomo__v1__rows__descriptor,
        &vedomo__v1__row__descriptor,           &vedomo__v1__row_part__descriptor,
        &vedomo__v1__carried_head__descriptor,  &vedomo__v1__log_key_change__descriptor,
        &vedomo__v1__key_change__descriptor,    &vedomo__v1__hold__descriptor,
        &vedomo__v1__filter__descriptor,        &vedomo__v1__person_proof__descriptor,
    };
    assert_int_equal(ARRAY_COUNT(all), WIRE_SCHEMA_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        if (strcmp(all[i]->short_name, name) == 0) {
            return all[i];
        }
    }
    fail_msg("no message %s", name);
    return NULL;
}
