"""The citizen's sentences of the scenario's own files, for those that no program says by itself yet:
read from the block form of texts.yaml, filled by the rules of the catalogue ({name} and plurals)."""

import os
import re

_PLURAL = re.compile(r"\{(\w+), plural, ((?:\w+ \{[^{}]*\} ?)+)\}")


def _plural_form(language, number):
    tens, ones = number % 100, number % 10
    if language == "en":
        return "one" if number == 1 else "other"
    if ones == 1 and tens != 11:
        return "one"
    return "few" if 2 <= ones <= 4 and not 12 <= tens <= 14 else "many"


def fill(sentence, language, **values):
    def choose(match):
        forms = dict(re.findall(r"(\w+) \{([^{}]*)\}", match.group(2)))
        return forms.get(_plural_form(language, values[match.group(1)]), forms["other"])

    text = _PLURAL.sub(choose, sentence)
    return re.sub(r"\{(\w+)\}", lambda match: str(values[match.group(1)]), text)


class Sentences:
    def __init__(self, scenario, language):
        self.language = language
        with open(os.path.join(scenario, "texts.yaml"), encoding="utf-8") as file:
            text = file.read()
        found = re.findall(r"^  ([a-z_-]+):\n(?:    asker: .*\n)?    ru: \"(.*)\"\n    en: \"(.*)\"$", text, re.MULTILINE)
        self.texts = {name: {"ru": ru, "en": en} for name, ru, en in found}
        with open(os.path.join(scenario, "agreements.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.papers = {}
        for block in re.split(r"^  - id: ", text, flags=re.MULTILINE)[1:]:
            paper = re.search(r"^    paper: \{ru: \"(.*?)\", en: \"(.*?)\"\}", block, re.MULTILINE)
            if paper:
                self.papers[block.split("\n", 1)[0].strip()] = {"ru": paper.group(1), "en": paper.group(2)}

        with open(os.path.join(scenario, "members.yaml"), encoding="utf-8") as file:
            self.members = {code: {"ru": ru, "en": en} for code, ru, en in re.findall(
                r"\{code: ([^,]+), title: \{ru: \"(.*?)\", en: \"(.*?)\"\}", file.read())}

    def member(self, code):
        return self.members.get(code, {}).get(self.language, code)

    def say(self, name, **values):
        return fill(self.texts[name][self.language], self.language, **values)

    def paper(self, agreement):
        """What the citizen need not bring under this agreement; None: nothing."""
        return self.papers.get(agreement, {}).get(self.language)
