"""CoNLL-2003, read back by nltk and seqeval; CoNLL-U, read back by conllu and, with its entities, by udapi."""

import io

import conllu
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk import data
from nltk.corpus.reader import ConllCorpusReader
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Entities
from udapi.core.document import Document

from broker.annotation.labelled import Labelled
from tests.formats.labelled_texts import labelled, written

UPOS = ["NOUN", "VERB", "X"]


def spans(text, *marks):
    entities = [{"startOffset": start, "endOffset": end, "label": label} for start, end, label in marks]
    return Labelled(1, "1", {}, {"annotation": {"entities": entities}}, 1.0, text=text)


def clusters(text, *marks, name="1"):
    listed = [[{"startOffset": start, "endOffset": end} for start, end in cluster] for cluster in marks]
    return Labelled(1, name, {}, {"annotation": {"clusters": listed}}, 1.0, text=text)


@pytest.fixture
def nltk(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "path", [str(tmp_path)])  # nltk reads from nowhere else

    def read(items):
        (tmp_path / "it.conll").write_bytes(written("conll2003", items))
        kinds = (ConllCorpusReader.WORDS, ConllCorpusReader.POS, ConllCorpusReader.IGNORE, ConllCorpusReader.NE)
        return ConllCorpusReader(str(tmp_path), ["it.conll"], kinds)

    return read


def sentences(content):
    """The columns of each sentence, as readers of CoNLL-2003 take them apart."""
    blocks = content.decode().split("\n\n")
    return [[line.split(" ") for line in block.splitlines()] for block in blocks if block and "-DOCSTART-" not in block]


def test_entities_come_back_by_seqeval_with_the_words_they_mark():
    found = sentences(written("conll2003", [labelled("spans")]))
    words, tags = [one[0] for one in found[0]], [[one[3] for one in sentence] for sentence in found]
    spans = [(kind, " ".join(words[start : end + 1])) for kind, start, end in get_entities(tags)]
    assert spans == [("person", "Ada Lovelace"), ("person", "Charles Babbage"), ("place", "London")]
    assert [one.tag for one in Entities(tags, IOB2).entities[0]] == ["person", "person", "place"]
    assert f1_score(tags, tags) == 1


def test_words_and_tags_come_back_by_nltk(nltk):
    read = nltk([labelled("tokens"), labelled("tokens", answer=1)])
    assert read.tagged_words()[:4] == [("Hi", "X"), ("you", "NOUN"), ("👋🏽", "X"), (".", "X")]
    assert [len(sentence) for sentence in read.sents() if sentence] == [4, 4]


def test_every_line_has_four_columns_whatever_stands_in_words_and_labels():
    items = [spans("a\u00a0b c\td", (0, 3, "big  place")), labelled("tokens", 1), labelled("spans", 1)]
    lines = written("conll2003", items).decode().split("\n")
    assert {len(line.split(" ")) for line in lines if line} == {4}
    assert any(line.endswith("B-big_place") for line in lines)


def test_words_are_cut_where_a_span_begins_inside_them():
    found = sentences(written("conll2003", [spans("unlocked", (2, 6, "verb"))]))
    assert [(one[0], one[3]) for one in found[0]] == [("un", "O"), ("lock", "B-verb"), ("ed", "O")]


def test_of_spans_that_overlap_the_longest_is_written():
    found = sentences(written("conll2003", [labelled("spans", 1)]))
    assert [(one[0], one[3]) for one in found[0]][:3] == [("Ada", "B-group"), ("Lovelace", "I-group"), ("met", "O")]


def test_neighbours_of_one_label_stay_two():
    found = sentences(written("conll2003", [spans("Ann Bob", (0, 3, "p"), (4, 7, "p"))]))
    assert [one[3] for one in found[0]] == ["B-p", "B-p"]


def test_lines_are_sentences_unless_a_span_goes_on():
    text = "Ann\r\ncame.\nBob left."
    assert len(sentences(written("conll2003", [spans(text, (0, 3, "p"))]))) == 3
    assert len(sentences(written("conll2003", [spans(text, (0, 8, "p"))]))) == 2


@given(st.text(max_size=60), st.data())
def test_spans_at_any_place_of_any_text_keep_their_words(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = sentences(written("conll2003", [spans(text, *([(start, end, "x")] if start < end else []))]))
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    marked = "".join(one[0] for sentence in found for one in sentence if one[3] != "O")
    assert "".join(one[0] for sentence in found for one in sentence) == "".join(plain.split())
    if start < end and plain == text:
        assert marked == "".join(text[start:end].split())


def test_universal_tags_come_back_by_conllu_with_the_text():
    (sentence,) = conllu.parse(written("conllu", [labelled("tokens")], UPOS).decode())
    assert [(token["form"], token["upos"]) for token in sentence] == [
        ("Hi", "X"),
        ("you", "NOUN"),
        ("👋🏽", "X"),
        (".", "X"),
    ]
    assert sentence.metadata["text"] == "Hi you 👋🏽."
    assert sentence[2]["misc"] == {"SpaceAfter": "No"}
    assert sentence.to_tree().children


def test_other_tags_are_a_languages_own():
    (sentence,) = conllu.parse(written("conllu", [labelled("tokens")], ["NN", "X"]).decode())
    assert {token["upos"] for token in sentence} == {"_"}
    assert [token["xpos"] for token in sentence] == ["X", "NOUN", "X", "X"]


def test_tokens_without_a_tag_stay_without():
    (sentence,) = conllu.parse(written("conllu", [labelled("tokens", 1)], UPOS).decode())
    assert [token["upos"] for token in sentence] == ["_", "NOUN", "VERB"]
    assert [token["form"] for token in sentence] == ["do", "n't", "go"]


def span_texts(document):
    found = (
        (" ".join(word.form for word in mention.words) for mention in one.mentions) for one in document.coref_entities
    )
    return sorted(map(sorted, found))


def test_clusters_come_back_by_udapi():
    document = Document()
    document.from_conllu_string(written("conllu", [labelled("coreference")]).decode())
    assert span_texts(document) == [["Ada Lovelace", "She"], ["Charles Babbage", "him"]]


def test_mentions_inside_each_other_come_back():
    document = Document()
    item = clusters("The king of France saw his dog.", [(0, 18), (23, 26)], [(12, 18)], [(23, 30), (12, 22)])
    document.from_conllu_string(written("conllu", [item]).decode())
    assert span_texts(document) == [["France"], ["France saw", "his dog"], ["The king of France", "his"]]


def test_a_name_with_line_ends_breaks_no_comment():
    content = written("conllu", [clusters("It is.", name="a\nb\tc")]).decode()
    assert conllu.parse(content)[0].metadata["newdoc id"] == "a b c"


def test_nothing_labelled_is_an_empty_file():
    assert written("conll2003", []) == b""
    assert list(conllu.parse_incr(io.StringIO(written("conllu", []).decode()))) == []
