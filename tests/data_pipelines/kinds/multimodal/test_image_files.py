"""Images of a catalogue's objects: whose they are, what they hold, and what is left out with its reason."""

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from data_pipelines.kinds.multimodal.file_names import NearNames, near
from data_pipelines.kinds.multimodal.image_files import ImageFiles
from data_pipelines.kinds.multimodal.images import object_image
from data_pipelines.kinds.multimodal.options import ImageOptions, MultimodalOptions
from data_pipelines.kinds.multimodal.reading import read_objects
from data_pipelines.kinds.report import RecordReport
from lcjax.errors import ConfigError, DataError, Rejection

RNG = np.random.default_rng(0)
PIXELS = RNG.normal(5, 1, (3, 8, 8)).astype(np.float32)


@pytest.fixture
def survey(tmp_path):
    """Objects 1 to 9 with numbers, stamps of a file each and hosts as pictures."""
    rows = [f"{name},{number}.5" for number, name in enumerate(["1", "2", "3", "4", "5", "SN6", "007"])]
    (tmp_path / "catalogue.csv").write_text("\n".join(["id,j_mag", *rows]))
    for folder in ("stamps", "hosts"):
        (tmp_path / folder).mkdir()
    stamps = tmp_path / "stamps"
    fits.writeto(stamps / "1.fits", PIXELS)  # channels first
    np.save(stamps / "2.npy", np.moveaxis(PIXELS, 0, -1))  # last
    np.save(stamps / "3.npy", np.full((8, 8, 3), np.nan))
    np.save(stamps / "4.npy", np.ones((8, 8, 3)))
    np.save(stamps / "5.npy", PIXELS[..., :7, :7])  # smaller
    np.save(stamps / "sn6.npy", PIXELS)  # another case
    np.save(stamps / "7.npy", PIXELS)  # without the zeros
    Image.fromarray(RNG.integers(0, 255, (6, 6, 3)).astype(np.uint8)).save(tmp_path / "hosts" / "1.png")
    Image.fromarray(RNG.integers(0, 255, (6, 6)).astype(np.uint8)).save(tmp_path / "hosts" / "2.png")
    return tmp_path


NAMES = ("science", "template", "difference")


def read(folder, stamps=None, host=None, **options):
    groups = {"stamp_images": stamps or ImageOptions(channel_names=NAMES, size=8)}
    groups |= {"host_images": host} if host else {}
    found = list(read_objects([folder], MultimodalOptions(**options), RecordReport(), groups))
    records = {r["object_id"]: r for r in found if not isinstance(r, Rejection)}
    return records, {(r.object_id, r.reason) for r in found if isinstance(r, Rejection)}


def test_images_are_joined_by_id_and_what_is_unfit_is_named(survey):
    records, rejected = read(survey, host=ImageOptions(channel_names=("red", "green", "blue")))
    assert list(records) == ["1", "2", "3", "4", "5", "SN6", "007"]
    np.testing.assert_array_equal(records["1"]["stamps"], np.moveaxis(PIXELS, 0, -1))
    np.testing.assert_array_equal(records["1"]["stamps"], records["2"]["stamps"])
    assert records["1"]["stamps_channel_names"] == "science,template,difference" and np.isnan(
        records["1"]["stamps_full_scale"]
    )
    assert records["1"]["host"].shape == (6, 6, 3) and records["1"]["host_full_scale"] == 255
    assert not any(records[name]["stamps"].size for name in ("3", "4", "5", "SN6", "007"))
    said = dict(rejected)
    assert "none of the science is finite" in said["3"] and "alike" in said["4"] and "7 x 7" in said["5"]
    assert "'sn6.npy'" in said["SN6"] and "case or leading zeros" in said["007"]
    assert "1 channels" in said["2"] and "--host-images.channel-names" in said["2"] and not records["2"]["host"].size


def test_what_can_mean_two_things_is_refused(survey):
    with pytest.raises(ConfigError, match=r"3 channels without names.*--stamp-images.channel-names"):
        read(survey, ImageOptions(size=8))
    np.save(survey / "stamps" / "1.npy", PIXELS)
    with pytest.raises(ConfigError, match="stamps of one object"):
        read(survey)


def test_files_may_be_named_by_the_catalogue(survey):
    (survey / "catalogue.csv").write_text("id,stamp_file,x\na,sn6.npy,1\nb,gone.npy,2\n")
    (survey / "hosts" / "1.png").unlink()
    (survey / "hosts" / "2.png").unlink()
    records, rejected = read(survey)
    assert records["a"]["stamps"].shape == (8, 8, 3) and "no file 'gone.npy'" in dict(rejected)["b"]


def test_images_of_no_object_are_refused_at_once(survey):
    (survey / "catalogue.csv").write_text("id,x\na,1\n")
    assert not read(survey)[0]["a"]["stamps"].size  # a single object may have none
    (survey / "catalogue.csv").write_text("id,x\na,1\nb,2\n")
    with pytest.raises(DataError, match=r"none of the 7 files of stamps is called after an object.*such as '1'"):
        read(survey)


def test_arrays_of_many_need_ids_and_one_image_an_object(tmp_path):
    stack = np.moveaxis(np.stack([PIXELS, PIXELS + 1, PIXELS + 2]), 1, -1)
    np.savez(tmp_path / "stamps.npz", images=stack, object_id=np.array([1.0, 2.0, 2.0]))
    files = ImageFiles("stamps", [tmp_path / "stamps.npz"], tmp_path, ImageOptions(channel_names=NAMES))
    files.expect(["1", "2", "3"], [])
    assert files.of("", "1").pixels.shape == (8, 8, 3) and files.of("", "3") is None
    with pytest.raises(DataError, match="several"):
        files.of("", "2")
    np.savez(tmp_path / "stamps.npz", images=stack)
    with pytest.raises(ConfigError, match="without ids"):
        ImageFiles("stamps", [tmp_path / "stamps.npz"], tmp_path, ImageOptions(channel_names=NAMES))


def test_names_that_are_nearly_alike(tmp_path):
    assert near("0012") == near("12") and near("V 1") == near("v1") and near("000") == "0"
    names = NearNames({"Vx": tmp_path / "Vx.fits", "b": tmp_path / "b.fits"}, ["b", "c"], "stamps")
    names.check("c")
    with pytest.raises(DataError, match=r"Vx\.fits"):
        names.check("vX")


def test_a_square_is_cut_from_the_middle():
    whole = np.moveaxis(PIXELS, 0, -1)
    np.testing.assert_array_equal(object_image(whole, NAMES, 4).pixels, whole[2:6, 2:6])
