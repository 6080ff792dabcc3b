"""ONNX files as backbones: against ONNX Runtime called plainly, and files that are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from chainpipe.pipeline.backbones import build_backbone, fingerprint_of
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Fingerprint, StoreMeta
from tests.pipeline.backbones.tiny_models import SIDE, save_onnx, with_weights_in

PIXELS = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
MEAN, STD = np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.25, 0.3])
COLOURS = ":mean=0.4,0.5,0.6:std=0.2,0.25,0.3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convolutions that give a vector, a map, tokens or two outputs."""
    folder = tmp_path_factory.mktemp("onnx")
    for gives in ("vector", "map", "tokens", "both"):
        save_onnx(folder / f"{gives}.onnx", gives=gives)
    save_onnx(folder / "bytes.onnx", takes="bytes")
    save_onnx(folder / "three.onnx", batch=3)
    _write_bad_files(folder)
    return folder


def plainly(path: Path, pixels: np.ndarray) -> list[np.ndarray]:
    """Run the file by itself, one picture at a time."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = ((pixels / 255 - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)
    found = [session.run(None, {"pixels": image[None]}) for image in images]
    return [np.concatenate(each) for each in zip(*found, strict=True)]


def test_a_vector_is_the_feature_whatever_the_batch(folder: Path) -> None:
    backbone = build_backbone(f"onnx:{folder / 'vector.onnx'}{COLOURS}", device="cpu")
    assert (backbone.size, backbone.dim) == (SIDE, 8)
    expected = plainly(folder / "vector.onnx", PIXELS)[0]
    np.testing.assert_allclose(backbone.embed(PIXELS), expected, atol=1e-5)
    many = np.concatenate([PIXELS] * 5)
    np.testing.assert_allclose(backbone.embed(many)[20:], expected, atol=1e-5)
    assert backbone.embed(PIXELS[:0]).shape == (0, 8)


def test_what_makes_one_vector_is_named(folder: Path) -> None:
    path = folder / "map.onnx"
    maps = plainly(path, PIXELS)[0]  # (5, 8, 8, 8)
    for pool, expected in (("mean", maps.mean((2, 3))), ("max", maps.max((2, 3)))):
        found = build_backbone(f"onnx:{path}{COLOURS}:pool={pool}").embed(PIXELS)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    tokens = plainly(folder / "tokens.onnx", PIXELS)[0]  # (5, 64, 8)
    first = build_backbone(f"onnx:{folder / 'tokens.onnx'}{COLOURS}:pool=first")
    np.testing.assert_allclose(first.embed(PIXELS), tokens[:, 0], atol=1e-5)


def test_a_fixed_batch_is_filled_up(folder: Path) -> None:
    found = build_backbone(f"onnx:{folder / 'three.onnx'}{COLOURS}").embed(PIXELS)
    one = build_backbone(f"onnx:{folder / 'vector.onnx'}{COLOURS}").embed(PIXELS)
    np.testing.assert_allclose(found, one, atol=1e-5)


def test_bytes_are_passed_as_they_are(folder: Path) -> None:
    found = build_backbone(f"onnx:{folder / 'bytes.onnx'}").embed(PIXELS)
    one = build_backbone(f"onnx:{folder / 'vector.onnx'}:mean=0:std=1").embed(PIXELS)
    np.testing.assert_allclose(found, one, atol=1e-5)


def test_the_settings_are_part_of_name_and_fingerprint(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    backbone = build_backbone(f"onnx:both.onnx:output=map:pool=max{COLOURS}")
    assert backbone.name == f"onnx:{folder / 'both.onnx'}{COLOURS}:output=map:pool=max"
    line = fingerprint_of(backbone, fit="crop").preprocessing
    expected = f"size={SIDE} fit=crop resize=bilinear (x/255-0.4,0.5,0.6)/0.2,0.25,0.3"
    assert line == f"{expected} output=map pool=max"
    again = build_backbone(backbone.name)
    assert fingerprint_of(again, fit="crop") == fingerprint_of(backbone, fit="crop")


def test_weights_beside_the_file_are_read_and_hashed(folder: Path, tmp_path: Path) -> None:
    path = with_weights_in(tmp_path / "net.onnx", folder / "vector.onnx", "weights.bin")
    found = build_backbone(f"onnx:{path}{COLOURS}")
    np.testing.assert_allclose(
        found.embed(PIXELS), plainly(folder / "vector.onnx", PIXELS)[0], atol=1e-5
    )
    before = found.weights_sha256
    weights = bytearray((tmp_path / "weights.bin").read_bytes())
    weights[0] ^= 1
    (tmp_path / "weights.bin").write_bytes(weights)
    assert build_backbone(f"onnx:{path}{COLOURS}").weights_sha256 != before


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "a/../../secret"])
def test_weights_outside_its_folder_are_never_read(
    folder: Path, tmp_path: Path, location: str
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret").write_bytes(bytes(10_000))
    path = with_weights_in(inner / "net.onnx", folder / "vector.onnx", location)
    with pytest.raises(UsageError, match="outside its folder"):
        build_backbone(f"onnx:{path}{COLOURS}")


def test_a_link_out_of_the_folder_is_outside_too(folder: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret").write_bytes(bytes(10_000))
    path = with_weights_in(inner / "net.onnx", folder / "vector.onnx", "link.bin")
    (inner / "link.bin").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="outside its folder"):
        build_backbone(f"onnx:{path}{COLOURS}")


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("vector.onnx", "does not say how its input is normalised", ":mean=0:std=1"),
        ("vector.onnx:mean=0:std=0", "is not three numbers above 0", ":std=0.229"),
        ("vector.onnx:mean=a:std=1", "`:mean=a` is not three numbers", ":mean=0.485"),
        ("vector.onnx:mean=0:std=1:size=64", "pictures of 32x32 only", ":size="),
        ("vector.onnx:mean=0:std=1:size=x", "no whole number", ":size=16"),
        ("vector.onnx:mean=0:std=1:pool=mean", "one vector a picture", "leave out"),
        ("vector.onnx:mean=0:std=1:pool=middle", "no `:pool=middle`", "`:pool=first`"),
        ("vector.onnx:frames=2", "is not a setting", ":output="),
        ("vector.onnx:size=2:size=2", "is given twice", ":output="),
        ("map.onnx:mean=0:std=1", r"a map for each picture, \(1, 8, 8, 8\)", ":pool=max"),
        ("tokens.onnx:mean=0:std=1", r"several vectors for each.* \(1, 64, 8\)", ":pool=first"),
        ("both.onnx:mean=0:std=1", "has 2 outputs: `features`", ":output=features"),
        ("both.onnx:mean=0:std=1:output=x", "has no output `x`", ":output=features"),
        ("bytes.onnx:mean=0:std=1", "takes bytes as they are", ":mean="),
        ("none.onnx", "there is no ONNX file", "onnx:FILE"),
        ("junk.onnx", "is no ONNX file that can run here", "opset"),
        ("weird.onnx:mean=0:std=1", "is no ONNX file that can run here", "opset"),
        ("opset.onnx:mean=0:std=1", "is no ONNX file that can run here", "opset"),
        ("rank.onnx", r"does not take pictures: `x` tensor\(float\) \(2, 5\)", "(n, 3, H, W)"),
        ("lone.onnx:mean=0:std=1", "which is missing", "into one folder"),
    ],
)
def test_what_does_not_fit_is_one_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str, hint: str
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match=message) as caught:
        build_backbone(f"onnx:{name}", device="cpu")
    assert hint in str(caught.value.hint)
    assert "\n" not in str(caught.value)


def _write_bad_files(folder: Path) -> None:
    (folder / "junk.onnx").write_bytes(b"no protobuf" * 50)
    weird = onnx.load(folder / "vector.onnx")
    weird.graph.node[0].op_type = "Weird"
    (folder / "weird.onnx").write_bytes(weird.SerializeToString())
    later = onnx.load(folder / "vector.onnx")
    later.opset_import[0].version = 999
    (folder / "opset.onnx").write_bytes(later.SerializeToString())
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 5])
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 5])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [given], [gives])
    opsets = [helper.make_opsetid("", 17)]
    (folder / "rank.onnx").write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    )
    with_weights_in(folder / "lone.onnx", folder / "vector.onnx", "gone.bin")


def test_onnx_without_a_file_and_compilation_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="no backbone `onnx:`"):
        build_backbone("onnx:")
    with pytest.raises(UsageError, match="runs on the CPU"):
        build_backbone(f"onnx:{folder / 'vector.onnx'}{COLOURS}", device="cpu", compiled=True)


REDUCED = [
    helper.make_node("ReduceMean", ["x"], ["p"], axes=[2, 3], keepdims=0),
    helper.make_node("Sum", ["p", "p"], ["q"]),
]
WRONG = {
    "one feature for all": ([helper.make_node("ReduceMean", ["q"], ["y"], axes=[0])], r"\(1, 3\)"),
    "one number": ([helper.make_node("ReduceMean", ["q"], ["y"], keepdims=0)], r"shape \(\)"),
    "text": ([helper.make_node("Cast", ["q"], ["y"], to=TensorProto.STRING)], "is object"),
    "another length each": (
        [
            helper.make_node("NonZero", ["x"], ["places"]),
            helper.make_node("Cast", ["places"], ["all"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["all", "first"], ["y"], keepdims=1),
        ],
        "0 features a picture, not some",
    ),
}


def write_network(path: Path, nodes: list, shape: tuple, kind: int = TensorProto.FLOAT) -> None:
    """Write a network that makes `y` of pictures `x`."""
    graph = helper.make_graph(
        [*REDUCED, *nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        [
            helper.make_tensor("first", TensorProto.INT64, [1], [0]),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


@pytest.mark.parametrize("what", WRONG)
def test_outputs_that_are_not_a_vector_for_each_picture(tmp_path: Path, what: str) -> None:
    nodes, message = WRONG[what]
    kind = TensorProto.STRING if what == "text" else TensorProto.FLOAT
    write_network(tmp_path / "net.onnx", nodes, ("n", 3, 8, 8), kind)
    with pytest.raises(UsageError, match=message):
        build_backbone(f"onnx:{tmp_path / 'net.onnx'}:mean=0:std=1").embed(
            np.ones((5, 8, 8, 3), np.uint8)
        )


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (("n", 3, 0, 0), "1 picture of 0x0"),
        (("n", 3, 10**6, 10**6), "1 picture of 1000000x1000000"),
        ((10**9, 3, 8, 8), "1000000000 pictures of 8x8"),
    ],
)
def test_inputs_of_impossible_sizes(tmp_path: Path, shape: tuple, words: str) -> None:
    nodes = [helper.make_node("Identity", ["q"], ["y"])]
    write_network(tmp_path / "net.onnx", nodes, shape)
    with pytest.raises(UsageError, match=f"takes {words} at once"):
        build_backbone(f"onnx:{tmp_path / 'net.onnx'}:mean=0:std=1")


def test_two_files_of_one_name_are_not_the_same(tmp_path: Path) -> None:
    prints = []
    for folder, node in (("a", "Identity"), ("b", "Neg"), ("c", "Identity")):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "net.onnx"
        write_network(path, [helper.make_node(node, ["q"], ["y"])], ("n", 3, 8, 8))
        backbone = build_backbone(f"onnx:{path}:mean=0:std=1")
        prints.append(fingerprint_of(backbone, fit="crop"))
    assert prints[0].differences(prints[2]) == []  # the same bytes in another folder
    (difference,) = prints[0].differences(prints[1])
    assert difference.startswith("weights_sha256: ")


def test_a_store_goes_on_where_its_backbone_was_moved() -> None:
    names = [f"onnx:/{folder}/net.onnx:mean=0:std=1" for folder in ("a", "b/c")]
    one, moved, other = (
        StoreMeta(Fingerprint(name, sha256, 8, "fit=crop"), 25)
        for name, sha256 in ((names[0], "00"), (names[1], "00"), (names[1], "11"))
    )
    assert one.differences(moved) == []
    assert one.differences(other) == ["weights_sha256: 00 / 11"]
    assert one.differences(replace(moved, frames=12)) == ["frames: 25 / 12"]
