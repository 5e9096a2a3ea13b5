// The letter to a person whose data were misused: which agency, when, what was passed on and what
// was only asked for, what one can do. Facts only. No verb agrees with an agency's name, since
// those have all three genders in Russian.
#include "breach.h"

#include "evidence.h"

static const struct {
    const char *title;
    const char *number;
    const char *facts;
    const char *agency;
    const char *dataset;
    const char *passed;
    const char *not_got;
    const char *purpose;
    const char *entry;
    const char *then;
    const char *look;
    const char *consent;
    const char *ask;
} words[] = {
    [CATALOGUE_RU] = {
        "Сведения о вас запрашивали с нарушением",
        "Номер письма",
        "Ниже перечислены все обращения к вашим данным, которые относятся к этому нарушению. Время "
        "указано по UTC.",
        "Кто",
        "Какие сведения",
        "Передано",
        "Просили и не получили",
        "Какая цель была указана",
        "Запись журнала",
        "Что можно сделать",
        "Посмотреть список всех обращений к вашим данным: в МФЦ, с вашим кодом. "
        "Каждую запись можно проверить.",
        "Там же можно приостановить или отозвать любое своё согласие.",
        "Задать вопрос, назвав номер письма",
    },
    [CATALOGUE_EN] = {
        "Data about you were asked for in breach of the rules",
        "Number of this letter",
        "Below are all requests for your data that belong to this breach. Times are UTC.",
        "Who",
        "Which data",
        "Passed on",
        "Asked for and did not get",
        "Purpose that was stated",
        "Entry of the log",
        "What you can do",
        "See the list of all requests for your data: at a service centre, with "
        "your code. Every entry can be checked.",
        "There you can also pause or withdraw any consent of yours.",
        "Ask, naming the number of this letter",
    },
};

// The fields that were passed on, or those that were not, on a line of their own where there are
// any.
static void put_fields(const struct speech *speech, const struct breach_access *access, bool passed,
                       const char *word, struct buffer *out)
{
    const struct wire_exchange_part *part = access->exchange;
    size_t count = 0;
    for (size_t i = 0; i < part->verdicts_count; i++) {
        const struct wire_verdict *verdict = &part->verdicts[i];
        bool left = access->passed_on && verdict->given.size > 0;
        if (left == passed) {
            buffer_format(out, "%s%s%s", count == 0 ? "    " : ", ", count == 0 ? word : "",
                          count == 0 ? ": " : "");
            speech_field(speech, part->dataset, verdict->name, verdict->given, out);
            count++;
        }
    }
    buffer_text(out, count == 0 ? "" : "\n");
}

static void put_access(const struct speech *speech, const struct breach_access *access,
                       struct buffer *out)
{
    enum catalogue_language language = speech->language;
    buffer_text(out, "- ");
    evidence_time(access->at_ms, out);
    buffer_format(out, "\n    %s: ", words[language].agency);
    speech_member(speech, access->exchange->asker, out);
    buffer_format(out, "\n    %s: ", words[language].dataset);
    speech_dataset(speech, access->exchange->dataset, out);
    buffer_text(out, "\n");
    put_fields(speech, access, true, words[language].passed, out);
    put_fields(speech, access, false, words[language].not_got, out);
    buffer_format(out, "    %s: ", words[language].purpose);
    speech_purpose(speech, access->exchange->purpose, out);
    buffer_format(out, "\n    %s: %llu\n", words[language].entry,
                  (unsigned long long)access->index);
}

static void put_office(const struct speech *speech, const struct breach_office *office,
                       struct buffer *out)
{
    const struct catalogue_member *member =
        speech->catalogue == NULL ? NULL : catalogue_member(speech->catalogue, office->member);
    buffer_format(out, "- %s: ", words[speech->language].ask);
    speech_member(speech, office->member, out);
    if (member != NULL && member->contact[0] != '\0') {
        buffer_format(out, ", %s", member->contact);
    }
    buffer_text(out, "\n");
}

static void put_language(const struct speech *speech, const struct breach_person *person,
                         const struct breach_office *office, struct buffer *out)
{
    enum catalogue_language language = speech->language;
    buffer_format(out, "%s\n\n%s: %s\n\n%s\n\n", words[language].title, words[language].number,
                  person->reference, words[language].facts);
    for (const struct breach_access *access = person->accesses; access != NULL;
         access = access->next) {
        put_access(speech, access, out);
    }
    buffer_format(out, "\n%s:\n- %s\n- %s\n", words[language].then, words[language].look,
                  words[language].consent);
    put_office(speech, office, out);
}

void breach_letter(const struct breach_person *person, const struct breach_office *office,
                   const struct catalogue *catalogue, struct buffer *out)
{
    const struct speech russian = { .catalogue = catalogue, .language = CATALOGUE_RU };
    const struct speech english = { .catalogue = catalogue, .language = CATALOGUE_EN };
    put_language(&russian, person, office, out);
    buffer_text(out, "\n* * *\n\n");
    put_language(&english, person, office, out);
}
