"""The text that Prometheus reads: what is written comes back, whatever it holds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.prometheus import NotTheFormat, parse
from web.exposition import exposition, gauge, gauges


def test_a_family_is_described_once_and_has_a_line_per_sample() -> None:
    waits = gauges("wait_seconds", "How long.", "quantile", {"0.5": 1.5, "0.9": 30.0, "0.99": None})
    text = exposition([waits, gauge("waiting", "How many.", 2), gauge("mean", "None yet.", None)]).decode()
    assert text == (
        "# HELP wait_seconds How long.\n"
        "# TYPE wait_seconds gauge\n"
        'wait_seconds{quantile="0.5"} 1.5\n'
        'wait_seconds{quantile="0.9"} 30.0\n'
        "# HELP waiting How many.\n"
        "# TYPE waiting gauge\n"
        "waiting 2.0\n"
        "# HELP mean None yet.\n"
        "# TYPE mean gauge\n"
    )


#: What is written specially comes often, and two in a row.
TEXTS = st.text(st.sampled_from('\\\\\n\n""n{}=,# ') | st.characters(exclude_categories=["Cs"]), max_size=12)


@given(help_=TEXTS, label=TEXTS, value=st.floats())
def test_whatever_is_written_is_read_back(help_: str, label: str, value: float) -> None:
    found = parse(exposition([gauges("name", help_, "first", {label: value})]).decode())["name"]

    assert (found.help, found.kind) == (help_, "gauge")
    ((labels, read),) = found.samples.items()
    assert dict(labels) == {"first": label}
    assert read == value or (math.isnan(read) and math.isnan(value))


@pytest.mark.parametrize(
    "text",
    [
        "waiting 2",
        "waiting 2\n",
        "# HELP a b\na 2\n",
        "# HELP a b\n# TYPE a gauge\na{x=1} 2\n",
        '# HELP a b\n# TYPE a gauge\na{x="1} 2\n',
        '# HELP a b\n# TYPE a gauge\na{x="1"y="2"} 2\n',
        "# HELP a b\n# TYPE a gauge\na 2\na 3\n",
        "# HELP a b\n# TYPE a gauge\n# HELP a b\n",
        "# HELP a b\n# TYPE a gauge\na two\n",
        "# HELP a b\n# TYPE a gauge\r\na 2\n",
        "# HELP a b\\t\n",
        "# HELP 1a b\n",
    ],
)
def test_the_reader_refuses_what_is_not_the_format(text: str) -> None:
    with pytest.raises(NotTheFormat):
        parse(text)
