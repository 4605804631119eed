"""Self-distillation: what it is least for, what flows back, and how the teacher moves."""

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.losses import distillation_loss, moved_teacher


def test_only_directions_count_and_opposite_ones_cost_four():
    rng = np.random.default_rng(0)
    one = jnp.asarray(rng.normal(size=(5, 3)), jnp.float32)
    assert float(distillation_loss(one, 7 * one)) < 1e-5
    np.testing.assert_allclose(distillation_loss(one, -one), 4.0, rtol=1e-5)
    weight = jnp.array([1.0, 1.0, 0.0, 0.0, 0.0])
    other = one.at[2:].multiply(-1.0)
    assert float(distillation_loss(one, other, weight)) < 1e-5


def test_nothing_flows_back_through_the_teacher():
    rng = np.random.default_rng(1)
    foretold, taught = (jnp.asarray(rng.normal(size=(4, 3)), jnp.float32) for _ in range(2))
    student, teacher = jax.grad(distillation_loss, argnums=(0, 1))(foretold, taught)
    assert np.abs(student).max() > 0.01 and not np.any(teacher)
    step = foretold - 0.1 * student
    assert distillation_loss(step, taught) < distillation_loss(foretold, taught)


def test_the_teacher_follows_and_is_a_constant():
    gradient = jax.grad(lambda w: moved_teacher({"w": w}, {"w": w}, 0.9)["w"].sum())(jnp.ones(2))
    assert not np.any(gradient)
    teacher = {"w": jnp.zeros(2)}
    for _ in range(3):
        teacher = moved_teacher(teacher, {"w": jnp.ones(2)}, 0.9)
    np.testing.assert_allclose(teacher["w"], 1 - 0.9**3, rtol=1e-6)
