"""Each baseline is fitted to the training split alone, answers any length, and again the same for the same seed."""

import msgspec
import numpy as np
import pytest
import torch

from policies.errors import PolicyError
from policies.face_baselines import BASELINES, fit_baseline, gru, recipe, tokens
from policies.face_baselines.keeping import corpus_key, fit_or_read
from policies.face_baselines.recipe_diffusion import GUIDANCE, denoise, guided, karras_sigmas, pyramid, sample_window
from policies.face_baselines.recipe_network import PUBLISHED, RecipeSize, StackUnet
from policies.face_baselines.windows import Windows
from robopatient.face.generator.condition import index
from robopatient.face.generator.motion import CHANNELS, HIGH, LOW, pspi

TINY = RecipeSize(
    dim=8, mults=(1, 2), heads=1, head_dim=8, signal_dim=8, latent=28, window=4, context=1, sigmas=4, uncertainty=0.5
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def fitted(corpus):
    """All of them, trained for a second or two."""
    patch = pytest.MonkeyPatch()
    patch.setattr(tokens, "QUICK", msgspec.structs.replace(tokens.QUICK, coder_steps=80, prior_steps=10))
    patch.setattr(recipe, "QUICK", TINY)
    patch.setattr(recipe, "QUICK_STEPS", 4)
    yield {name: fit_baseline(name, corpus, 1, "quick") for name in BASELINES}
    patch.undo()


@pytest.mark.parametrize("name", BASELINES)
def test_motion_has_its_columns_and_range_at_any_length(fitted, corpus, name):
    given = corpus.of("test")[0].condition.astype(float)
    for n in (1, 47, 180):
        motion = fitted[name].generate(given[:n], 5)
        assert motion.shape == (n, len(CHANNELS))
        assert ((motion >= LOW - 1e-9) & (motion <= HIGH + 1e-9)).all()


@pytest.mark.parametrize("name", BASELINES)
def test_equal_seeds_give_equal_motion(fitted, corpus, name):
    given = corpus.of("test")[1].condition[:60].astype(float)
    assert np.array_equal(fitted[name].generate(given, 3), fitted[name].generate(given, 3))


@pytest.mark.parametrize("name", ["GRU regression", "token model", "PainDiffusion recipe"])
def test_a_face_of_a_batch_depends_on_its_own_seed_only(fitted, corpus, name):
    given = np.stack([one.condition[:60] for one in corpus.of("test")[:2]]).astype(float)
    together = fitted[name].generate_batch(given, [3, 4])
    np.testing.assert_allclose(together[1], fitted[name].generate(given[1], 4), atol=2e-3)


def test_regression_learns_that_faces_follow_pain(fitted, corpus):
    one = corpus.of("test")[3]
    shown = pspi(fitted["GRU regression"].generate(one.condition.astype(float), 0))
    assert np.corrcoef(shown, pspi(one.motion))[0, 1] > 0.9


def test_the_token_coder_learns_to_tell_faces_apart(fitted, corpus):
    network = fitted["token model"].network
    latent = network.standardised(torch.stack([torch.from_numpy(one.motion) for one in corpus.of("test")]))
    with torch.inference_mode():
        values, codes = network.encode(latent)
        error = ((network.decode(values) - latent) ** 2).mean()
    assert error < 0.9 * (latent**2).mean()  # saying nothing costs all of it
    assert len(torch.unique(codes)) > 5


def test_the_recipe_learns_to_denoise(corpus):
    torch.manual_seed(0)
    network = recipe.RecipeNetwork(TINY)
    windows = Windows(corpus, TINY.window * TINY.stack, 1)
    network.learn_scale(windows.frames())
    rng = torch.Generator().manual_seed(0)

    def loss():
        _, motions = windows.batch(4)
        signals = torch.zeros(4, TINY.window, TINY.stack, 3)
        return recipe.training_loss(network.unet, network.stacked(motions), signals, torch.ones(4, 3), rng)

    with torch.no_grad():
        before = float(torch.stack([loss() for _ in range(20)]).mean())
    assert recipe.optimise(network, loss, 60, rate=4e-3) < 0.95 * before


def test_streaming_regression_is_the_same_as_all_at_once(fitted, corpus):
    given = corpus.of("test")[2].condition[:30].astype(float)
    face = fitted["GRU regression"].stream(0)
    np.testing.assert_allclose(
        np.stack([face.step(row) for row in given]), fitted["GRU regression"].generate(given, 0), atol=1e-4
    )


def test_what_is_kept_on_disk_answers_like_what_was_fitted(fitted, corpus, tmp_path):
    given = corpus.of("test")[0].condition[:40].astype(float)
    for name, module in (("GRU regression", gru), ("token model", tokens), ("PainDiffusion recipe", recipe)):
        path = tmp_path / "weights.safetensors"
        fitted[name].save(path)
        assert np.array_equal(module.read(path).generate(given, 2), fitted[name].generate(given, 2))


def test_weights_of_another_kind_are_refused_by_name(fitted, tmp_path):
    path = tmp_path / "weights.safetensors"
    fitted["GRU regression"].save(path)
    with pytest.raises(PolicyError, match="delete the file to fit it again"):
        tokens.read(path)


def test_a_second_evaluation_reads_what_the_first_fitted(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(gru, "QUICK", msgspec.structs.replace(gru.QUICK, steps=2))
    key, said = corpus_key(corpus), []
    for _ in range(2):
        fit_or_read("GRU regression", corpus, key, 1, "quick", tmp_path, said.append)
    assert len(said) == 1


def test_the_held_out_people_do_not_change_what_is_fitted(make_corpus):
    """A leak of the test split into any baseline would change its answers here."""
    corpus = make_corpus()
    spoilt = msgspec.structs.replace(
        corpus,
        sequences=[
            one if one.split == "train" else msgspec.structs.replace(one, motion=np.full_like(one.motion, 2.0))
            for one in corpus.sequences
        ],
    )
    given = corpus.of("test")[0].condition[:50].astype(float)
    assert corpus_key(corpus) == corpus_key(spoilt)
    assert np.array_equal(Windows(corpus, 60, 1).frames(), Windows(spoilt, 60, 1).frames())
    for name in ("mean face", "nearest neighbour", "random sequence"):
        answers = [fit_baseline(name, one, 1).generate(given, 1) for one in (corpus, spoilt)]
        assert np.array_equal(*answers)


def test_the_nearest_neighbour_of_a_training_press_is_that_press(corpus):
    nearest = fit_baseline("nearest neighbour", corpus, 1)
    one = corpus.of("train")[3]
    answers = [nearest.generate(one.condition.astype(float), seed) for seed in range(12)]
    assert any(np.allclose(answer, one.motion, atol=1e-6) for answer in answers)


def test_an_unknown_baseline_and_too_short_sequences_are_named(corpus, make_corpus):
    with pytest.raises(PolicyError, match="choose among attack-decay"):
        fit_baseline("oracle", corpus, 1)
    with pytest.raises(PolicyError, match="no sequence of 64 frames or more"):
        Windows(make_corpus(n=50), 64, 1)


def test_finite_scalar_quantisation_has_all_codes_and_gives_them_back():
    codes = torch.arange(tokens.CODES)
    values = tokens.values_of(codes)
    again, found = tokens.quantised(torch.atanh(values * 0.999))
    assert torch.equal(found, codes)
    assert torch.allclose(again, values, atol=1e-6)
    assert len(torch.unique(values, dim=0)) == 1000


def test_karras_grid_runs_from_80_to_0002():
    sigmas = karras_sigmas(35)
    assert (sigmas[0], sigmas[-1]) == pytest.approx((0.002, 80.0))
    middle = (0.002 ** (1 / 7) + 17 / 34 * (80 ** (1 / 7) - 0.002 ** (1 / 7))) ** 7
    assert sigmas[17] == pytest.approx(middle)


def test_pyramid_takes_as_many_steps_as_the_published_one():
    assert len(pyramid(6, 34, 4.0)) - 1 == 54
    assert len(pyramid(8, 34, 4.0)) - 1 == 62
    rows = pyramid(3, 2, 1.0)
    assert rows.tolist() == [[2, 2, 2], [1, 2, 2], [0, 1, 2], [0, 0, 1], [0, 0, 0]]


def test_the_published_size_is_near_the_published_count():
    count = sum(p.numel() for p in StackUnet(PUBLISHED).parameters())
    assert 4.4e6 < count < 5.9e6  # 5.33 million counted in the released code; blocks differ in detail


def test_guidance_is_the_weighted_difference_of_four_branches():
    torch.manual_seed(0)
    network = StackUnet(TINY).eval()
    x, sigma, signals = torch.randn(1, 4, 4, 28), torch.rand(1, 4) + 0.1, torch.randn(1, 4, 4, 3)
    with torch.inference_mode():
        expected = (1 + sum(GUIDANCE)) * denoise(network, x, sigma, signals, torch.ones(1, 3))
        for i, weight in enumerate(GUIDANCE):
            keep = torch.ones(1, 3)
            keep[0, i] = 0
            expected = expected - weight * denoise(network, x, sigma, signals, keep)
        torch.testing.assert_close(guided(network, x, sigma, signals), expected, atol=1e-5, rtol=1e-5)


def test_without_noise_the_preconditioned_estimate_is_the_input():
    torch.manual_seed(0)
    x = torch.randn(1, 4, 4, 28)
    with torch.inference_mode():
        clean = denoise(StackUnet(TINY).eval(), x, torch.full((1, 4), 1e-4), torch.zeros(1, 4, 4, 3), torch.ones(1, 3))
    torch.testing.assert_close(clean, x, atol=1e-3, rtol=0)


def test_a_perfect_denoiser_samples_the_truth_whatever_the_schedule(monkeypatch):
    truth = torch.randn(1, 3, 4, 28)
    monkeypatch.setattr(
        "policies.face_baselines.recipe_diffusion.guided",
        lambda network, x, sigma, signals: torch.cat((torch.zeros(1, 1, 4, 28), truth), dim=1),
    )
    made = sample_window(None, torch.zeros(1, 1, 4, 28), torch.zeros(1, 4, 4, 3), torch.randn(1, 3, 4, 28), TINY)
    torch.testing.assert_close(made, truth, atol=2e-2, rtol=0)


def test_signals_go_to_their_slots(corpus):
    given = corpus.of("test")[3].condition[None].astype(float)
    given[..., index("valence")], given[..., index("arousal")] = -0.7, 0.8  # fear, class 3
    found = recipe.signals_of(given)[0]
    assert found[0, 0] == 3
    np.testing.assert_allclose(found[:, 1], given[0, :, index("expressiveness")], rtol=1e-6)
    np.testing.assert_allclose(found[:, 2], given[0, :, index("pain")], rtol=1e-6)
