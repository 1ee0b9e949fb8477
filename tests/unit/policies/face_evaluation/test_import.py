"""Formats on tiny files of our own making: what comes out, and what is said of what is wrong."""

import numpy as np
import pytest

from policies.corpus.store import load
from policies.errors import PolicyError
from policies.face_import.arkit import motion_of_arkit, weights_of
from policies.face_import.flame import FlameMap, fit_map, load_map, save_map
from policies.face_import.formats import read_openface, read_pyfeat, read_unbc_sequence
from policies.face_import.importer import import_corpus
from policies.face_import.stimulus import pain_of_temperature, read_pain
from policies.face_import.tables import FaceTable, motion_of, pieces
from robopatient.face.arkit import ARKIT
from robopatient.face.generator.motion import CHANNELS, column, pspi

UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")


def openface(path, n=50, fps=25.0, au04=2.0, without=(), **changes):
    """A table as OpenFace writes it: spaces after commas, radians, AU45 for the lids."""
    names = ["frame", "face_id", "timestamp", "confidence", "success", "gaze_angle_x", "gaze_angle_y"]
    names += ["pose_Rx", "pose_Ry", "pose_Rz", *(f"AU{u}_r" for u in UNITS if u not in without), "AU45_c"]
    lines = [", ".join(names)]
    for i in range(n):
        values = {
            "frame": i + 1,
            "timestamp": i / fps,
            "confidence": 0.98,
            "success": 1,
            "pose_Rx": 0.1 * (i >= n // 2),
        }
        values |= {"AU04_r": au04, "gaze_angle_y": np.radians(5.0)}
        values |= {name: (column_of(i) if callable(column_of) else column_of) for name, column_of in changes.items()}
        lines.append(", ".join(f"{values.get(name, 0):.4f}" for name in names))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_openface_becomes_motion_at_thirty_rows_a_second_and_says_so(tmp_path):
    motion, notes = motion_of(read_openface(openface(tmp_path / "a.csv")))
    assert motion.shape == (int(49 / 25 * 30) + 1, len(CHANNELS))
    assert motion[:, column("AU4")] == pytest.approx(2.0)
    assert motion[:, column("gaze_pitch_deg")] == pytest.approx(5.0, abs=1e-2)
    assert np.ptp(motion[:, column("head_pitch_deg")]) == pytest.approx(np.degrees(0.1), abs=0.1)
    assert "resampled from 25 to 30 rows a second" in notes
    assert any(note.startswith("not in the recording and left at 0: AU24") for note in notes)


def test_short_closures_are_blinks_and_long_ones_closed_eyes(tmp_path):
    path = openface(tmp_path / "a.csv", AU45_r=lambda i: 5.0 * (5 <= i < 9 or 20 <= i < 45))
    motion, _ = motion_of(read_openface(path))
    at = lambda frame: round(frame / 25 * 30)  # noqa: E731
    assert motion[at(7), column("blink")] == pytest.approx(1.0)
    assert motion[at(7), column("AU43")] == 0.0
    assert motion[at(30), column("AU43")] == pytest.approx(5.0)
    assert pspi(motion)[at(30)] == pytest.approx(3.0)  # AU4 at 2, and shut


def test_a_face_lost_for_a_moment_is_bridged(tmp_path):
    short = openface(tmp_path / "a.csv", success=lambda i: float(not 10 <= i < 15), AU04_r=lambda i: i / 10)
    motion, _ = motion_of(read_openface(short))
    assert motion[15, column("AU4")] == pytest.approx(1.25, abs=0.02)


def test_a_face_lost_for_longer_cuts_the_recording_and_the_pieces_keep_their_time(tmp_path):
    path = openface(tmp_path / "b.csv", n=250, confidence=lambda i: 0.2 if 100 <= i < 150 else 0.9)
    parts, said = pieces(read_openface(path))
    assert [(part.t_s[0], part.t_s[-1]) for part in parts] == [(0.0, 99 / 25), (6.0, 249 / 25)]
    assert "cut into 2, 2.0 s left out" in said
    assert [len(motion_of(part)[0]) for part in parts] == [119, 119]


def test_a_face_that_is_hardly_ever_found_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"b.csv: the face is lost so often"):
        pieces(read_openface(openface(tmp_path / "b.csv", success=lambda i: float(i % 25 < 5))))
    with pytest.raises(PolicyError, match=r"c.csv: OpenFace found the face in no row"):
        read_openface(openface(tmp_path / "c.csv", success=0.0))


def test_frames_decide_the_time_of_a_row(tmp_path):
    path = openface(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    kept = [lines[0], *lines[:0:-2]]  # every second frame, last first
    path.write_text("\n".join(kept) + "\n")
    table = read_openface(path, fps=25.0)
    assert table.t_s == pytest.approx(np.arange(25) * 2 / 25)
    assert table.head_deg[0, 0] < table.head_deg[-1, 0]


def test_two_faces_are_refused_and_a_stray_one_is_left_out(tmp_path):
    path = openface(tmp_path / "a.csv", face_id=lambda i: i % 2)
    with pytest.raises(PolicyError, match=r"a.csv: 2 faces \(face_id 0.0000 in 25 rows, 1.0000 in 25 rows\)"):
        read_openface(path)
    table = read_openface(openface(tmp_path / "b.csv", face_id=lambda i: float(i == 7)))
    assert len(table.t_s) == 49
    assert "rows of another face than face_id 0.0000 left out" in table.notes


def test_times_in_milliseconds_are_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"rows are 40 s apart, 0.025 a second: no camera films so"):
        motion_of(read_openface(openface(tmp_path / "a.csv", fps=0.025)))


def test_units_that_only_occur_are_refused_with_what_to_run(tmp_path):
    path = openface(tmp_path / "a.csv")
    path.write_text(path.read_text().replace("AU45_r", "AU46_r").replace("_r", "_c", 17))
    with pytest.raises(PolicyError, match="AU04_c only says whether a unit occurs"):
        read_openface(path)


def test_missing_units_are_named(tmp_path):
    path = openface(tmp_path / "a.csv", without=("04", "09", "10"))
    with pytest.raises(PolicyError, match="no AU4, no AU9 or AU10"):
        motion_of(read_openface(path))


def test_wrong_ranges_are_named_with_row_and_value(tmp_path):
    path = openface(tmp_path / "a.csv", AU06_r=lambda i: 40.0 if i == 7 else 0.0)
    with pytest.raises(PolicyError, match="AU6L is 40 in row 7; intensities are 0 to 5"):
        motion_of(read_openface(path))


def test_numbers_that_are_none_are_lost_rows(tmp_path):
    path = openface(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0]] + [line.replace(" 2.0000", "nan") for line in lines[1:]]))
    with pytest.raises(PolicyError, match="AU4 holds no number at all"):
        motion_of(read_openface(path))


def test_time_that_stands_still_is_named():
    units = {name: np.zeros(3) for name in ("AU4", "AU6", "AU9", "AU25")}
    with pytest.raises(PolicyError, match="time does not go on at row 2"):
        motion_of(FaceTable("x", np.array([0.0, 0.1, 0.1]), units))


def pyfeat(path, n=40, **values):
    names = [
        *(f"AU{u}" for u in ("01", "04", "06", "07", "09", "10", "25", "26", "43")),
        "Pitch",
        "Roll",
        "Yaw",
        "input",
    ]
    row = ",".join(str(values.get(name, "clip.mp4" if name == "input" else 0.2)) for name in names)
    path.write_text("\n".join([",".join(names), *[row] * n]) + "\n")
    return path


def test_pyfeat_probabilities_are_scaled_and_must_be_probabilities(tmp_path):
    motion, notes = motion_of(read_pyfeat(pyfeat(tmp_path / "a.csv", AU04=0.6), fps=30.0))
    assert motion[:, column("AU4")] == pytest.approx(3.0)
    assert not any(note.startswith("resampled") for note in notes)
    with pytest.raises(PolicyError, match="AU4 is 3 in row 0; py-feat gives 0 to 1"):
        read_pyfeat(pyfeat(tmp_path / "b.csv", AU04=3.0), fps=30.0)
    with pytest.raises(PolicyError, match="give --fps"):
        read_pyfeat(tmp_path / "a.csv")


def test_pyfeat_heads_are_radians_up_and_right_positive(tmp_path):
    table = read_pyfeat(pyfeat(tmp_path / "a.csv", Pitch=np.radians(10.0), Yaw=np.radians(30.0)), fps=30.0)
    assert table.head_deg[0] == pytest.approx([-10.0, -30.0, np.degrees(0.2)])  # pitch down, yaw to the left
    older = read_pyfeat(pyfeat(tmp_path / "b.csv", Pitch=10.0, Yaw=30.0, Roll=0.0), fps=30.0)
    assert older.head_deg[0] == pytest.approx([-10.0, -30.0, 0.0])
    assert "head angles read in degrees" in older.notes


def test_pyfeats_frames_decide_the_time_and_several_faces_are_refused(tmp_path):
    text = pyfeat(tmp_path / "a.csv", n=30).read_text().splitlines()
    skipped = ["frame," + text[0], *(f"{2 * i},{row}" for i, row in enumerate(text[1:]))]
    (tmp_path / "b.csv").write_text("\n".join(skipped))
    assert read_pyfeat(tmp_path / "b.csv", fps=30.0).t_s[-1] == pytest.approx(29 * 2 / 30)
    twice = ["frame," + text[0], *(f"{i // 2},{row}" for i, row in enumerate(text[1:]))]
    (tmp_path / "c.csv").write_text("\n".join(twice))
    with pytest.raises(PolicyError, match=r"c.csv, line 2: frame 0 has 2 rows: several faces"):
        read_pyfeat(tmp_path / "c.csv", fps=30.0)


def unbc(root, subject, sequence, frames, vas=4.0):
    folder = root / "Frame_Labels" / "FACS" / subject / sequence
    folder.mkdir(parents=True)
    for i, rows in enumerate(frames):
        text = "".join(f"  {unit:.7e}   {value:.7e}   0.0000000e+00   0.0000000e+00\n" for unit, value in rows)
        (folder / f"{sequence}{i + 1:03d}_facs.txt").write_text(text)
    report = root / "Sequence_Labels" / "VAS" / subject
    report.mkdir(parents=True, exist_ok=True)
    (report / f"{sequence}.txt").write_text(f"  {vas:.7e}\n")
    return folder


def test_unbc_frames_are_read_and_closed_eyes_are_shut(tmp_path):
    folder = unbc(tmp_path, "042-xx042", "xx042t1", [[], [(4, 3), (43, 1), (26, 2)], [(4, 3)], []])
    table = read_unbc_sequence(folder, 15.0)
    assert table.au["AU4"].tolist() == [0, 3, 3, 0]
    motion, _ = motion_of(table)
    assert len(motion) == 7
    assert pspi(motion)[2] == pytest.approx(4.0)
    assert motion[2, column("jaw_mm")] == pytest.approx(8.0)


def test_unbc_numbers_decide_the_time_and_hidden_files_are_none(tmp_path):
    folder = unbc(tmp_path, "042-xx042", "xx042t1", [[(4, 3)]] * 40)
    for number in range(11, 41, 2):
        (folder / f"xx042t1{number:03d}_facs.txt").unlink()
    (folder / "._xx042t1001_facs.txt").write_bytes(b"\0\5\x16\7")
    table = read_unbc_sequence(folder, 20.0)
    assert len(table.t_s) == 25
    assert table.t_s[-1] == pytest.approx(39 / 20)


def test_unbc_says_what_it_needs_and_which_line_is_wrong(tmp_path):
    folder = unbc(tmp_path, "s", "q", [[(4, 3)]])
    with pytest.raises(PolicyError, match="does not say its frame rate; give --fps"):
        read_unbc_sequence(folder, 0.0)
    (folder / "q001_facs.txt").write_text("4.0 x\n")
    with pytest.raises(PolicyError, match="line 1 is not a unit and its intensity"):
        read_unbc_sequence(folder, 25.0)


def thermode(path, tolerance=48.0, levels=(0, 1, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    warm = {0: 32.0, 1: 44.0, 4: tolerance}
    rows = [f"{i * 0.5},{warm[level]},{level}" for i, level in enumerate(one for one in levels for _ in range(4))]
    path.write_text("t_s,temperature_c,level\n" + "\n".join(rows) + "\n")
    return path


def test_temperature_becomes_pain_by_the_persons_own_levels(tmp_path):
    _, pain = pain_of_temperature(thermode(tmp_path / "t.csv"))
    assert pain.tolist() == [0.0] * 4 + [1.5] * 4 + [7.5] * 4
    with pytest.raises(PolicyError, match="level 1 and level 4 must both occur"):
        pain_of_temperature(thermode(tmp_path / "u.csv", levels=(0, 1)))
    with pytest.raises(PolicyError, match="is not hotter than level 1"):
        pain_of_temperature(thermode(tmp_path / "v.csv", tolerance=44.2))


def test_plateaus_tell_the_levels_where_the_table_has_none(tmp_path):
    t_s = np.arange(0.0, 100.0, 0.1)
    warm = np.full(len(t_s), 32.0)
    for start_s, top in ((10, 44.0), (30, 45.5), (50, 46.5), (70, 48.0)):
        warm[(t_s >= start_s) & (t_s < start_s + 4)] = top
    rows = "\n".join(f"{t:.1f}\t{w:.2f}" for t, w in zip(t_s, warm, strict=True))
    (tmp_path / "a.csv").write_text("t_s\ttemperature_c\n" + rows)
    _, pain = pain_of_temperature(tmp_path / "a.csv")
    assert (pain[0], pain[120], pain[720]) == pytest.approx((0.0, 1.5, 7.5))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("t_s,pain\n0,1\n1,1\n", "no column nrs"),
        ("t_s,nrs\n0,11\n1,1\n", "nrs is 11 at 0 s"),
        ("t_s,nrs\n0,1\n0,2\n", "line 3: t_s does not increase"),
    ],
)
def test_a_broken_stimulus_is_named(tmp_path, text, said):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(PolicyError, match=said):
        read_pain(tmp_path / "p.csv")


def folder_of(root, people=5, split="", pain="5"):
    rows = ["file,subject,kind,split,pain,sex,age_years"]
    for i in range(people):
        openface(root / f"clip{i}.csv", n=80)
        rows.append(f"clip{i}.csv,p{i},palpation,{split},{pain},1,40")
    (root / "trials.csv").write_text("\n".join(rows) + "\n")
    return root


def run(root, out, kind="openface", **more):
    import_corpus(**{"kind": kind, "path": root, "out": out, "table": None, "fps": 0.0, "seed": 1} | more)


def test_a_folder_of_recordings_becomes_a_checked_corpus_with_a_card(tmp_path, capsys):
    out = tmp_path / "corpus.npz"
    run(folder_of(tmp_path / "in"), out)
    corpus = load(out)
    assert len(corpus.sequences) == 5
    assert [len(corpus.subjects(split)) for split in ("train", "validation", "test")] == [3, 1, 1]
    assert corpus.sequences[0].traits.sex == 1.0
    assert corpus.sequences[0].pain.max() == 5.0
    assert "never taken" in corpus.card
    assert "5 of 5 recordings: resampled from 25 to 30" in capsys.readouterr().err


def test_biovid_takes_sex_and_age_from_the_name_and_pain_from_the_thermode(tmp_path):
    root = tmp_path / "in"
    for i, name in enumerate(("071309_w_21", "080109_m_34", "080209_w_50", "080309_m_63")):
        openface(root / "faces" / f"{name}.csv", n=140 + i)
        thermode(root / "temperature" / f"{name}.csv")
    run(root, tmp_path / "corpus.npz", "biovid")
    corpus = load(tmp_path / "corpus.npz")
    ages = {one.subject: (one.traits.sex, one.traits.age_years) for one in corpus.sequences}
    assert ages["080109_m_34"] == (1.0, 34.0)
    assert all(one.kind == "thermal" for one in corpus.sequences)
    assert max(one.pain.max() for one in corpus.sequences) == 7.5
    (root / "temperature" / "080109_m_34.csv").unlink()
    with pytest.raises(PolicyError, match=r"080109_m_34.csv: missing; every face needs its thermode"):
        run(root, tmp_path / "another.npz", "biovid")


def test_unbc_folders_become_a_corpus_with_self_report_as_pain(tmp_path):
    for i in range(4):
        unbc(tmp_path / "in", f"s{i}", f"q{i}", [[(4, 2)]] * 30, vas=0.0 if i == 3 else 6.0)
    run(tmp_path / "in", tmp_path / "corpus.npz", "unbc", fps=15.0)
    corpus = load(tmp_path / "corpus.npz")
    assert sorted(one.kind for one in corpus.sequences) == ["control", "palpation", "palpation", "palpation"]
    assert "self-report held" in corpus.card


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "emopain"}, 'no kind "emopain"; choose among biovid'),
        ({"out": "corpus.csv"}, "a corpus is a .npz file"),
        ({"people": 3}, "3 people; at least 4"),
        ({"pain": "12"}, "pain 12; the scale is 0 to 10"),
        ({"pain": ""}, "line 2: no pain; every row needs"),
        ({"split": "holdout"}, "split holdout; choose train"),
    ],
)
def test_what_is_wrong_with_an_import_is_named_and_nothing_is_written(tmp_path, change, said):
    root = folder_of(tmp_path / "in", **{k: v for k, v in change.items() if k in ("people", "pain", "split")})
    with pytest.raises(PolicyError, match=said):
        run(root, tmp_path / change.get("out", "corpus.npz"), change.get("kind", "openface"))
    assert not list(tmp_path.glob("corpus.*"))


def test_one_person_in_two_splits_is_refused(tmp_path):
    root = folder_of(tmp_path / "in", split="train")
    table = (root / "trials.csv").read_text().replace("p1,palpation,train", "p0,palpation,test")
    (root / "trials.csv").write_text(table)
    with pytest.raises(PolicyError, match="p0 is in the splits train and test"):
        run(root, tmp_path / "corpus.npz")


def faces(n=24, seed=3):
    """Moderate faces of units that ARKit can tell apart."""
    rng = np.random.default_rng(seed)
    motion = np.zeros((n, len(CHANNELS)))
    for name in ("AU1", "AU2", "AU4", "AU6L", "AU6R", "AU9", "AU12L", "AU12R", "AU20L"):
        motion[:, column(name)] = rng.uniform(0.0, 3.0, n)
    motion[:, column("jaw_mm")] = rng.uniform(0.0, 15.0, n)
    motion[:, column("gaze_yaw_deg")] = rng.uniform(-20.0, 20.0, n)
    return motion


def test_arkit_there_and_back_draws_the_same_face():
    motion = faces()
    weights = weights_of(motion)
    assert weights.shape == (24, len(ARKIT))
    again = motion_of_arkit(weights.astype(float))
    np.testing.assert_allclose(weights_of(again), weights, atol=0.12)
    assert np.corrcoef(pspi(again), pspi(motion))[0, 1] > 0.9
    np.testing.assert_allclose(again[:, column("gaze_yaw_deg")], motion[:, column("gaze_yaw_deg")], atol=0.5)


def test_arkit_weights_out_of_range_or_of_another_count_are_named():
    with pytest.raises(PolicyError, match="ARKit has 52 columns"):
        motion_of_arkit(np.zeros((3, 51)))
    weights = np.zeros((3, 52))
    weights[1, ARKIT.index("jawOpen")] = 1.5
    with pytest.raises(PolicyError, match=r"row 1: jawOpen is 1\.5"):
        motion_of_arkit(weights)


def test_a_flame_map_fitted_to_pairs_takes_faces_there_and_back(tmp_path):
    rng = np.random.default_rng(0)
    mapped = FlameMap(np.zeros((103, 1)), np.zeros(103)).channels
    motion = np.zeros((900, len(CHANNELS)))
    motion[:, [CHANNELS.index(name) for name in mapped]] = rng.uniform(0.0, 4.0, (900, len(mapped)))
    true = FlameMap(rng.standard_normal((103, len(mapped))), rng.standard_normal(103))
    latents = true.to_flame(motion) + 0.01 * rng.standard_normal((900, 103))
    save_map(fit_map(latents, motion), tmp_path / "map.npz")
    found = load_map(tmp_path / "map.npz")
    np.testing.assert_allclose(found.to_motion(latents)[:, :20], motion[:, :20], atol=0.3)
    np.testing.assert_allclose(found.to_flame(motion), latents, atol=0.4)


@pytest.mark.parametrize(
    ("latents", "said"),
    [(np.zeros((4, 128)), "take the padding off"), (np.full((4, 103), np.nan), "row 0 is not finite")],
)
def test_flame_sequences_that_are_none_are_named(latents, said):
    with pytest.raises(PolicyError, match=said):
        FlameMap(np.ones((103, 21)), np.zeros(103)).to_motion(latents)


def test_a_flame_map_of_too_few_frames_or_the_wrong_file_says_what_is_needed(tmp_path):
    with pytest.raises(PolicyError, match="a map needs 500"):
        fit_map(np.zeros((10, 103)), np.zeros((10, len(CHANNELS))))
    (tmp_path / "map.npz").write_bytes(b"nothing")
    with pytest.raises(PolicyError, match="make one with fit_map"):
        load_map(tmp_path / "map.npz")
