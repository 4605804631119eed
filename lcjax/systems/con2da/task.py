"""Con2DA (Perez-Carrasco et al. 2022, arXiv 2204.01558): contrast and consistency between a weak and a strong view of every image."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from lcjax.configs import OptimizerConfig
from lcjax.losses.contrastive import contrastive_loss
from lcjax.losses.domain_adaptation import masked_consistency
from lcjax.systems.con2da.config import Con2daExperiment, TwoRatesConfig
from lcjax.systems.domain_pairs.inputs import has_stream, row_weight
from lcjax.systems.domain_pairs.metrics import unlabelled_answers
from lcjax.systems.domain_pairs.task import (
    LabelledRows,
    Network,
    build_model,
    joined,
    pair_task,
    stop_classifier,
)
from lcjax.training.task import Task, Update
from lcjax.training.tree_paths import path_name
from lcjax.transforms.image_augmentation import strong_view, vector_view, weak_view
from lcjax.typing import Array, Axis, Metrics, PyTree

Views = Callable[[Array, Array, Array, Mapping[str, Any]], tuple[Array, Array]]
"""(images, key, rows, stream) -> weak and strong view."""
_UPDATES = 2


class _EveryOther(NamedTuple):
    count: Array
    inner: PyTree


def first_of_step(inner: optax.GradientTransformation) -> optax.GradientTransformation:
    """An optimizer that acts in the first of two updates of a step only, and neither moves nor remembers in the second."""

    def init(params: PyTree) -> _EveryOther:
        return _EveryOther(jnp.zeros((), jnp.int32), inner.init(params))

    def update(updates: PyTree, state: _EveryOther, params: PyTree | None = None) -> tuple[PyTree, _EveryOther]:
        acts = state.count % _UPDATES == 0
        moved, after = inner.update(updates, state.inner, params)
        moved = jax.tree.map(lambda x: jnp.where(acts, x, 0.0), moved)
        kept = jax.tree.map(lambda new, old: jnp.where(acts, new, old), after, state.inner)
        return moved, _EveryOther(state.count + 1, kept)

    return optax.GradientTransformation(init, update)


def two_rates(config: OptimizerConfig, rates: TwoRatesConfig) -> optax.GradientTransformation:
    """Adam for features, in both updates of a step, and a faster one for the classifier, in the first."""

    def adam(factor: float, updates: int) -> optax.GradientTransformation:
        def rate(count: Array) -> Array:
            step = count // updates
            steps = jnp.maximum(step - rates.anneal_after, 0) // rates.anneal_every
            share = jnp.minimum(steps / rates.anneal_over, 1.0)
            return -config.learning_rate * factor * 0.5 * (1 + jnp.cos(jnp.pi * share))

        moments = optax.scale_by_adam(config.b1, config.b2, config.eps)
        return optax.chain(optax.add_decayed_weights(rates.weight_decay), moments, optax.scale_by_schedule(rate))

    parts = {"features": adam(1.0, _UPDATES), "classifier": first_of_step(adam(rates.classifier_factor, 1))}

    def names(params: PyTree) -> PyTree:
        part = lambda path, _: "classifier" if path_name(path).startswith("classifier") else "features"
        return jax.tree_util.tree_map_with_path(part, params)

    return optax.multi_transform(parts, names)


def usual_views(experiment: Con2daExperiment) -> Views:
    """Weak: mirrored, turned by quarters, moved by a pixel. Strong: any angle, blur, noise, contrast, a square cut out."""
    views, vectors = experiment.views, experiment.inputs.vectors

    def of(images: Array, key: Array, row: Array, part: Mapping[str, Any]) -> tuple[Array, Array]:
        del part
        one, two = jax.random.split(key)
        if vectors:
            return vector_view(images, one, row, 0.0, 0.0), vector_view(images, two, row, views.noise, views.drop)
        weak = weak_view(images, one, row, symmetric=views.mirror)
        return weak, strong_view(images, two, row, views.noise, views.cut_share, symmetric=views.mirror)

    return of


def build_task(experiment: Con2daExperiment, views: Views | None = None) -> Task:
    """The Task; `views` replaces the usual two views."""
    model = build_model(experiment)
    network, objective = Network(model, experiment), experiment.objective
    views = views or usual_views(experiment)

    def seen(part: dict, stream: int, key: Array, axis: Axis) -> tuple[list[Array], list[Array]]:
        """Both views of a stream's images, and numbers of their rows."""
        row = network.rows(part, stream, axis)
        images = views(network.images(part), jax.random.fold_in(key, stream), row, part)
        return list(images), [2 * row, 2 * row + 1]

    def labelled(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        """Cross entropy over weak and strong views of source and shots."""
        view_key, drop_key = jax.random.split(key)
        parts = [batch, batch["target"]] if has_stream(batch, "target") else [batch]
        found = [seen(part, i, view_key, axis) for i, part in enumerate(parts)]
        twice = lambda values: joined(*(v for v in values for _ in range(2)))
        label, weight = twice([p["label"] for p in parts]), twice([row_weight(p) for p in parts])
        images, row = joined(*(v for views, _ in found for v in views)), joined(*(r for _, rows in found for r in rows))
        return network.labelled_loss(params, state, LabelledRows(images, row, label, weight), drop_key, axis)

    def unlabelled(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        """Contrast between the views, and cross entropy with what both agree on; the classifier is held."""
        view_key, drop_key = jax.random.split(key)
        part = batch["unlabelled"]
        images, row = seen(part, 2, view_key, axis)
        features, state = network.embed(params, state, joined(*images), joined(*row), drop_key, axis)
        weak, strong = jnp.split(features, 2)
        weight = row_weight(part)
        held = stop_classifier(params)
        logits = [network.classify(held, view) for view in (weak, strong)]
        contrast = contrastive_loss(strong, weak, objective.contrast_temperature, weight, within=True, axis=axis)
        of_weak, of_strong, sure = masked_consistency(*logits, objective.threshold, weight, axis)
        value = objective.contrast * contrast + objective.consistency * (of_weak + of_strong)
        total = jnp.sum(weight)
        terms = {"contrast": contrast, "consistency": of_weak + of_strong, "sure_share": sure}
        metrics = {name: (term * total, total) for name, term in terms.items()}
        return value, (metrics | unlabelled_answers(logits[0], weight), state)

    return pair_task(
        experiment,
        (Update(labelled), Update(unlabelled)),
        lambda config, steps: two_rates(config, experiment.rates),
        network.init,
        network.answer,
        model,
    )
