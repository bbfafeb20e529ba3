"""What is understood before any article is looked up: a call for a person, a greeting, thanks, no words.

The phrases are those of English, German, French and Spanish, all tried: they do not collide. They are
compared with folded words (see `index.words`), so an apostrophe is a space and no letter bears an accent.
"""

from __future__ import annotations

import re

from orchestrator.chatbot.answer import Courtesy
from orchestrator.chatbot.index import words

# Custom emoji and mentions, as chat clients write them: `<:wave:1234>`, `<@1234>`.
_MARKUP = re.compile(r"<a?:\w+:\d+>|<[@#][!&]?\d+>")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_THANKFUL_SIGNS = frozenset("👍🙏❤♥💙💚💜🧡💛🥰😊👌✅🎉")
_THANKFUL = _set(
    "thanks thank thankyou thx thnx ty tysm cheers ok okay cool great nice perfect awesome "
    "danke dankeschon dank super prima merci parfait gracias vale perfecto"
)
_GREETING = _set(
    "hi hiya hello hey heya yo howdy greetings morning afternoon evening day "
    "hallo moin servus tag morgen abend bonjour bonsoir salut coucou hola buenas dias"
)
_BETWEEN = _set(
    "good have a an the there bot all everyone team again you so very much many lot oh no nope got it that "
    "this works worked helped now bye how are guten schonen vielen besten lieben herzlichen sehr dir ihnen euch "
    "nein das hat geholfen zusammen beaucoup bien vous toi non oui tout le monde tous muchas muchisimas mil buenos "
    "buen todo todos que tal"
)
_COURTEOUS = _THANKFUL | _GREETING | _BETWEEN

# "for your help" and the like: `help` alone is a question.
_FOR_HELP = re.compile(
    r" (?:for|fur|pour|por) (?:\w+ ){0,2}(?:help|helping|support|time|answer|hilfe|aide|ayuda)\b"
)
_DRAWN_OUT = re.compile(r"(.)\1+$")  # "hiii"


def plain(message: str) -> str:
    """`message` without custom emoji and mentions."""
    return _MARKUP.sub(" ", message)


def courtesy(message: str) -> Courtesy | None:
    """Which friendly word `message` asks for, or None if it says something else."""
    said = [word if word in _COURTEOUS else _DRAWN_OUT.sub(r"\1", word) for word in words(message)]
    if not said:
        return Courtesy.THANKS if _THANKFUL_SIGNS & set(message) else Courtesy.GREETING
    rest = set(_FOR_HELP.sub("", " ".join(said)).split())
    if not rest <= _COURTEOUS:
        return None
    if rest & _THANKFUL:
        return Courtesy.THANKS
    return Courtesy.GREETING if rest & _GREETING else None


def asks_for_person(message: str) -> bool:
    """Whether `message` explicitly asks for a human being; a complaint or a mention of one is not enough."""
    sentence = " ".join(words(message))
    if any(pattern.fullmatch(sentence) for pattern in _ALONE):
        return True
    return any(match["no"] is None for pattern in _CALLS for match in pattern.finditer(sentence))


# A whole message such as "agent please".
_ALONE = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:(?:please|pls|a|an|real|live|actual|human|support) )*"
        r"(?:human|agent|person|operator|representative)(?: (?:please|pls|now|asap))*",
        r"(?:(?:please|pls|live|human|customer) )+(?:chat|support|service)(?: (?:please|pls|now|asap))*",
        r"(?:(?:bitte|einen?|echte[nr]?) )*(?:mensch(?:en)?|mitarbeiter(?:in)?|berater(?:in)?)(?: bitte)?",
        r"(?:une? )?(?:humain|agent|conseillere?|vraie personne)(?: s il (?:vous|te) plait| svp| stp)?",
        r"(?:una? )?(?:human[oa]|agente|operadora?|asesora?|persona real)(?: por favor)?",
    )
)

_REAL = r"(?:(?:real|live|actual|human|support|service|customer|different) )*"
_STAFF = (
    r"(?:human|agent|person|operator|representative|rep|adviser|advisor|employee|moderator|mod|admin|staff|"
    r"support|customer (?:service|support|care)|service|helpdesk)s?\b"
)
_HUMAN = r"(?:(?:real|live|actual) (?:human|person|agent)|human(?: being)?|agent|operator|representative)"
_END = r"(?= (?:please|pls|now|asap|to|who|here|not|instead|right|about|and|or|because|thanks)\b|$)"
_REFUSED = (
    r"\b(?P<no>(?:don t|dont|do not|didn t|not|never) (?:want|wish|like|need|have)(?: to)? "
    r"|no need (?:to|for) )?"
)
_MENSCH = (
    r"(?:menschen?|person|mitarbeiter(?:in)?|berater(?:in)?|agenten|support|kundenservice|moderator(?:in)?)"
)
_MIT = rf"\bmit (?:jemande[mn]|(?:(?:einem|einer|nem|ner|dem) )?(?:(?:echten|richtigen) )?{_MENSCH})"

# "agent" inside a longer message counts only where something is asked of one.
_CALLS = tuple(
    re.compile(_REFUSED + pattern)
    for pattern in (
        rf"\b(?:talk|speak|chat) (?:to|with) (?:(?:an?|the|your|some) )?{_REAL}{_STAFF}",
        rf"\b(?:talk|speak) (?:to|with) (?:someone|somebody|anyone){_END}",
        r"\b(?:connect|transfer|pass|put|hand) (?:me|us|this) (?:(?:through|over) )?(?:to|with) "
        rf"(?:(?:an?|the|your|some) )?{_REAL}(?:{_STAFF}|someone|somebody)",
        rf"\b(?:want|need|get|give|send|prefer|contact|reach|(?:would|d) like)(?: (?:me|us))? an? {_HUMAN}{_END}",
        rf"{_MIT}(?: \w+){{0,2}} (?:sprechen|reden|schreiben|chatten|verbinden|verbunden)\b",
        rf"\bverbinden? (?:\w+ ){{0,3}}?{_MIT}",
        r"\bparler (?:a|avec) (?:quelqu un|(?:une? )?(?:vraie? )?(?:humain|agent|conseillere?|personne))\b",
        r"\bhablar con (?:alguien|(?:una? )?(?:human[oa]|agente|persona|operadora?|asesora?))\b",
    )
)
