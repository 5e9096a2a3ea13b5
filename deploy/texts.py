"""The narrator's words in both languages. What the product itself says (the sentences of the policy
bundle, reasons, forms, titles) is not here: the product is asked for it."""

TEXTS = {
    "title": {
        "ru": "Vedomo · Водительское удостоверение без бумажек",
        "en": "Vedomo · A driving licence without paper slips",
    },
    "invented": {
        "ru": "Все люди, номера и ведомства выдуманы. Каждая цифра измерена или сосчитана в этом прогоне.",
        "en": "All people, numbers and agencies are invented. Every figure was measured or counted in this run.",
    },
    "build": {"ru": "сборка", "en": "build"},
    "build_ready": {"ru": "vedomod, vedomo-node, vedomo готовы", "en": "vedomod, vedomo-node, vedomo are ready"},
    "registers": {"ru": "реестры ведомств", "en": "the agencies' registers"},
    "registers_ready": {
        "ru": "баз {databases}, граждан {citizens}, таблиц {tables}",
        "en": "{databases} databases, {citizens} citizens, {tables} tables",
    },
    "keys": {"ru": "ключи и карточки", "en": "keys and cards"},
    "keys_ready": {
        "ru": "ключей {keys}, карточек с подписью регистратора {cards}",
        "en": "{keys} keys, {cards} cards signed by the registrar",
    },
    "policy": {"ru": "пакет правил", "en": "policy bundle"},
    "policy_ready": {
        "ru": "подписан и применён: наборов данных {datasets}, соглашений {agreements}",
        "en": "signed and applied: {datasets} datasets, {agreements} agreements",
    },
    "witnesses": {"ru": "свидетели журнала", "en": "witnesses of the log"},
    "witnesses_ready": {
        "ru": "{count}, на этой же машине — для пробы",
        "en": "{count}, on this machine: for trial",
    },
    "broker": {"ru": "брокер", "en": "broker"},
    "broker_ready": {"ru": "{endpoint}, журнал {origin}", "en": "{endpoint}, log {origin}"},
    "nodes": {"ru": "узлы ведомств", "en": "the agencies' nodes"},
    "nodes_ready": {"ru": "{count} на связи", "en": "{count} connected"},
    "story": {
        "ru": "Анна Ветрова, {anna}, пришла в МФЦ, окно 7. Ей нужно водительское удостоверение категории B.",
        "en": "Anna Vetrova, {anna}, stands at window 7 of a service centre. She needs a category B driving licence.",
    },
    "scene": {"ru": "Сцена {n}", "en": "Scene {n}"},
    # 1
    "s1": {"ru": "Согласие спрашивают", "en": "Consent is asked for"},
    "s1_asks": {
        "ru": "Госавтоинспекция просит согласия на {datasets} набора сведений у трёх ведомств. На экране Анны ничего не отмечено:",
        "en": "The inspectorate asks for consent to {datasets} sets of data with three agencies. On Anna's screen nothing is ticked:",
    },
    "s1_grants": {
        "ru": "Анна разрешила {allowed} из {offered}: номер медицинского заключения она решила не показывать.",
        "en": "Anna allowed {allowed} of {offered}: she would rather not show the number of her certificate.",
    },
    "s1_code": {
        "ru": "Окно 7 смогло записать это только с одноразовым кодом, который был у Анны. Записи журнала № {entries}, всё вместе {ms} мс.",
        "en": "Window 7 could record this only with the one-time code that Anna held. Entries {entries} of the log, {ms} ms in all.",
    },
    # 2
    "s2": {"ru": "Личность, по закону", "en": "Identity, by law"},
    "s2_asks": {
        "ru": "Инспектор спрашивает Регистр населения, совпадает ли то, что Анна написала в заявлении:",
        "en": "The inspector asks the Population Register whether what Anna wrote on her form is right:",
    },
    "s2_stays": {
        "ru": "Ни имя, ни дата, ни номер из регистра не вышли. Ответ за {ms} мс, запись № {entry}.",
        "en": "Neither name nor date nor number left the register. Answered in {ms} ms, entry {entry}.",
    },
    # 3
    "s3": {"ru": "Три медицинских ведомства, по согласию", "en": "Three health agencies, by consent"},
    "s3_from": {"ru": "{holder}:", "en": "{holder}:"},
    "s3_count": {
        "ru": "Передано полей: {released}. Отказано: {refused}. Лишнее попросил инспектор, и это засчитано: {over}. Номер справки не в счёт: так решила Анна.",
        "en": "Fields passed on: {released}. Refused: {refused}. The inspector asked for too much, and that is counted: {over}. The certificate's number is not: that was Anna's choice.",
    },
    "s3_same": {
        "ru": "Отказ в диагнозах одинаков слово в слово, есть диагнозы (у одного их {with}) или нет ({without}). Сравнено байт: {bytes}.",
        "en": "The refusal of diagnoses is the same word for word whether there are any (one person has {with}) or none ({without}). Bytes compared: {bytes}.",
    },
    # 4
    "s4": {"ru": "Квитанция", "en": "The receipt"},
    "s4_place": {
        "ru": "Запись № {index} из {size} в журнале. Доказательство проверено без сети за {us} мкс.",
        "en": "Entry {index} of {size} in the log. Its proof verified offline in {us} µs.",
    },
    "s4_witnessed": {
        "ru": "Его запись — уже в опубликованном журнале из {size} записей, и его заверили {count} свидетеля."
              " Свидетели работают на этой же машине: для пробы, не для настоящей службы.",
        "en": "Its entry is in the published log of {size} entries by now, and {count} witnesses have cosigned that."
              " They run on this machine: for trial, not for real service.",
    },
    "s4_file": {"ru": "Файл: {file}", "en": "File: {file}"},
    "s4_flipped": {
        "ru": "В копии изменён один байт из {bytes} (байт {place}). Проверка говорит: нет.",
        "en": "In a copy one byte of {bytes} is changed (byte {place}). The check says: no.",
    },
    # 5
    "s5": {"ru": "Что видит Анна", "en": "What Anna sees"},
    "s5_own": {"ru": "Отдельно, её собственные обращения:", "en": "Apart from these, her own readings:"},
    "s5_officer": {
        "ru": "И надзор на виду: {who} — открыто записей: {count}. Это им сосчитано лишнее в сцене 3.",
        "en": "Oversight is in view too: {who} — entries opened: {count}. That is how scene 3 counted what was too much.",
    },
    "s5_summary": {
        "ru": "Итог (раз в час, здесь каждые две секунды) закрепил её список: записей {entries}. Проверено за {ms} мс:",
        "en": "The summary (each hour; here, every two seconds) commits to her list: {entries} entries. Checked in {ms} ms:",
    },
    "ms": {"ru": "{ms} мс", "en": "{ms} ms"},
    # 6
    "s6": {"ru": "Она отзывает согласие", "en": "She withdraws"},
    "s6_held": {
        "ru": "Новый запрос уже у диспансера, ответ готовят. В эту минуту Анна отзывает согласие.",
        "en": "Another request is with the dispensary already, the answer is being prepared. At this moment Anna withdraws.",
    },
    "s6_flight": {
        "ru": "Запрос, который был в пути, ничего не принёс. Что об этом прочтёт Анна:",
        "en": "The request that was on its way brought nothing. What Anna will read about it:",
    },
    "s6_again": {
        "ru": "Тот же вопрос в новом запросе:",
        "en": "The same question in a new request:",
    },
    "s6_ms": {
        "ru": "От «отозвано» до отказа: {ms} мс.",
        "en": "From “withdrawn” to the refusal: {ms} ms.",
    },
    # the end
    "end": {
        "ru": "Было: {papers} {papers_word} из трёх мест. Стало: один приход, {ms} мс, бумаг 0, лишних полей передано: {surplus}.",
        "en": "Before: {papers} papers from three places. Now: one visit, {ms} ms, 0 papers, surplus fields released: {surplus}.",
    },
    "held": {
        "ru": "Проверено ожиданий: {held}. Все сбылись.",
        "en": "{held} expectations checked. All held.",
    },
    "broken": {
        "ru": "Не сбылось ожиданий: {broken} из {all}.",
        "en": "{broken} of {all} expectations did not hold.",
    },
    "stay": {
        "ru": "Всё работает. В другом окне: . {env} — и инструменты под рукой. Ctrl-C остановит.",
        "en": "All is running. In another window: . {env} — and the tools are at hand. Ctrl-C ends it.",
    },
    "detached": {
        "ru": "Всё работает. . {env} — и инструменты под рукой. Остановить: deploy/down{dir}",
        "en": "All is running. . {env} — and the tools are at hand. To stop: deploy/down{dir}",
    },
    "stopped": {"ru": "остановлено", "en": "stopped"},
    "running": {
        "ru": "В {dir} уже работает: {names}. Сначала deploy/down{option}.",
        "en": "In {dir} there is already running: {names}. First deploy/down{option}.",
    },
    "foreign": {
        "ru": "{dir} не пуст и не оставлен прежним показом. Выберите другую папку.",
        "en": "{dir} is not empty and no former demonstration left it. Choose another folder.",
    },
}


def text(language, key, **values):
    return TEXTS[key][language].format(**values)


def plural_ru(number, one, few, many):
    """The form of a Russian noun behind a whole number."""
    tens, ones = number % 100, number % 10
    if ones == 1 and tens != 11:
        return one
    return few if 2 <= ones <= 4 and not 12 <= tens <= 14 else many
