"""CSV files: what is read, and what each mistake is told."""

import warnings

import numpy as np
import pytest

from ohmprop._core import BadInput
from ohmprop.data import load, read_features

GOOD = "width,height,kind\n1,10,pear\n2,20,apple\n3,30,pear\n4,40,fig\n"


@pytest.fixture
def write(tmp_path):
    def _write(text: str, name: str = "fruit.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return _write


def test_good_file(write):
    path = write(GOOD)
    data = load(str(path), target="kind", rounding=None)
    assert data.class_names == ("apple", "fig", "pear")
    np.testing.assert_array_equal(data.labels, [2, 0, 2, 1])
    np.testing.assert_allclose(data.inputs[:, 0], [-0.5, -1 / 6, 1 / 6, 0.5], atol=1e-15)
    np.testing.assert_array_equal(load(path, target="kind", rounding=None).inputs, data.inputs)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.replace(",", ";"),
        lambda s: s.replace(",", "\t"),
        lambda s: "\ufeff" + s,
        lambda s: s.replace("\n", "\r\n"),
        lambda s: s.replace("\n", "\n\n"),
        lambda s: s.replace(",", " , "),
        lambda s: s.replace("pear", '"pear"'),
    ],
    ids=["semicolon", "tab", "bom", "crlf", "blank lines", "spaces", "quotes"],
)
def test_dialects_read_alike(write, change):
    plain, other = write(GOOD), write(change(GOOD), "other.csv")
    expected, found = load(plain, target="kind"), load(other, target="kind")
    assert found.encoding == expected.encoding
    np.testing.assert_array_equal(found.inputs, expected.inputs)
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_numeric_classes_sort_as_numbers(write):
    data = load(write("a,y\n1,10\n2,9\n3,-1\n"), target="y")
    assert data.class_names == ("-1", "9", "10")


def test_binary_target_in_one_output(write):
    data = load(write("a,y\n1,no\n2,yes\n"), target="y", one_hot=False)
    np.testing.assert_array_equal(data.targets, [[-0.5], [0.5]])


def test_constant_column_warns_and_is_zero(write):
    path = write("a,b,y\n1,7,no\n2,7,yes\n")
    with pytest.warns(UserWarning, match=r"constant feature column\(s\) b: mapped to 0 V"):
        data = load(path, target="y")
    np.testing.assert_array_equal(data.inputs[:, 1], [0, 0])


FRACTIONS = "a,y\n" + "".join(f"{k},{k % 30 / 7}\n" for k in range(90))
MANY = "a,y\n" + "".join(f"{i},{i / 7}\n" for i in range(60))


@pytest.mark.parametrize(
    ("text", "target", "match"),
    [
        (GOOD, "knid", r"no column 'knid'\. Did you mean 'kind'\? Known: height, kind, width"),
        (GOOD, None, r"target: name the column to predict\. Columns: width, height, kind"),
        ("a,y\n1,p\n,q\nNaN,p\n4,q\n", "y", r"NaN feature in row 2 \(line 3\), row 3 \(line 4\);"),
        ("a,y\n1,p\n\n,q\n", "y", r"row 2 \(line 4\)"),
        ("a,y\n1,p\n2,\n", "y", r"empty or NaN target 'y' in row 2 \(line 3\)"),
        ("a,y\n" + ",p\n" * 12, "y", "one class"),
        ("a,y\n" + ",p\n" * 11 + "1,q\n", "y", r"row 10 \(line 11\) and 1 more"),
        ("a,b,y\n1,2,p\n3,tall,q\n", "y", r"row 2 \(line 3\), column 'b': .* found 'tall'"),
        ("a,y\n1,p\ninf,q\n", "y", r"column 'a': expected a finite number, found 'inf'"),
        ("a,y\n1,p\n1_0,q\n", "y", r"column 'a': expected a finite number, found '1_0'"),
        ("a,y\n1,p\n2,p\n", "y", "target 'y' has the one class 'p'"),
        ("a,y\n1,p\n1,q\n", "y", "every feature is constant"),
        ("y\np\nq\n", "y", "no feature column besides the target 'y'"),
        ("a,a,y\n1,1,p\n", "y", r"repeated column name\(s\) a; rename them\.$"),
        ("1,1,p\n2,3,q\n", "y", r"repeated column name\(s\) 1; .* first row must name the col"),
        ("1,2,p\n2,3,q\n", "y", r"no column 'y'.* first row must name the columns"),
        (",a,y\n1,1,p\n", "y", "column 1 has no name"),
        ("a,y\n1,p\n2,q,3\n", "y", r"row 2 \(line 3\): expected 2 cells .* found 3"),
        ("a,y\n", "y", r"expected a header row and data rows, found 1 row"),
        ("", "y", r"found 0 row"),
        (FRACTIONS, "y", "30 different labels in 90 rows: a quantity"),
        (MANY, "y", "60 different labels in 60 rows: a quantity"),
    ],
)
def test_mistakes(write, text, target, match):
    with pytest.raises(BadInput, match=match):
        load(write(text), target=target)


def test_many_whole_numbers_and_few_fractions_are_classes(write):
    whole = "a,y\n" + "".join(f"{k},{k % 30}\n" for k in range(90))
    few = "a,y\n" + "".join(f"{k},{k % 3 / 2}\n" for k in range(90))
    assert len(load(write(whole), target="y").class_names) == 30
    assert load(write(few, "few.csv"), target="y").class_names == ("0.0", "0.5", "1.0")


def test_missing_file(tmp_path):
    with pytest.raises(BadInput, match=r"none\.csv: no such file"):
        load(tmp_path / "none.csv", target="y")


def test_folder_and_binary_file(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path, target="y")
    (tmp_path / "image.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(BadInput, match="not UTF-8"):
        load(tmp_path / "image.csv", target="y")


def test_read_features_matches_columns_by_name(write):
    encoding = load(write(GOOD), target="kind").encoding
    path = write("height,note,width\n10,x,1\n40,y,4\n", "new.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = read_features(path, encoding)
    np.testing.assert_array_equal(features, [[1, 10], [4, 40]])
    np.testing.assert_array_equal(encoding.encode(features), [[-0.5, -0.5], [0.5, 0.5]])


def test_read_features_restores_the_training_inputs(write):
    path = write(GOOD)
    data = load(path, target="kind")
    encoded = data.encoding.encode(read_features(path, data.encoding))
    np.testing.assert_array_equal(encoded, data.inputs)


def test_read_features_without_a_column(write):
    encoding = load(write(GOOD), target="kind").encoding
    with pytest.raises(BadInput, match=r"no column 'height'.*Did you mean 'heights'"):
        read_features(write("width,heights\n1,2\n", "new.csv"), encoding)
