"""The same Iris job in NumPy: what a careful author writes without a compiler.

All samples at once, batch axis last; hidden nodes eliminated by division; one 6 x 6 elimination
per sample, carried out for the whole batch; nudge in difference form; update from second moments.
It records the loss and nothing else, and carries no KCL certificate: it stops when the set of
conducting diodes repeats.
"""

import numpy as np

V_TH, R_ON, GAIN, BETA = 0.3, 1.0, 4.0, 1e-6
D, MU_V, M_ON, M_OFF = 1e-8, 1e-9, 100.0, 1e5


def _eliminate(schur: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    """Solve S x = r for S [n, n, b] (symmetric, positive definite); both are overwritten."""
    n = len(rhs)
    for k in range(n - 1):
        ratio = schur[k, k + 1 :] / schur[k, k]
        schur[k + 1 :, k + 1 :] -= ratio[:, None] * schur[k, k + 1 :]
        rhs[k + 1 :] -= ratio * rhs[k]
    for k in range(n - 1, -1, -1):
        rhs[k] /= schur[k, k]
        rhs[:k] -= schur[:k, k] * rhs[k]
    return rhs


class _Circuit:
    """The network without its amplifiers, at fixed conductances."""

    def __init__(self, g1: np.ndarray, g2: np.ndarray, a1: np.ndarray, fixed: np.ndarray):
        self.g = g2[: g1.shape[1]]
        n = self.g.shape[1]
        self.outer = (self.g.T[:, None] * self.g.T).reshape(n * n, -1)
        self.d1 = (g1.sum(0) + self.g.sum(1))[:, None]
        self.d2 = np.diag(g2.sum(0))[:, :, None]
        self.b1 = g1.T @ a1
        self.b2 = (fixed @ g2[g1.shape[1] :])[:, None]

    def solve(self, on: np.ndarray, rhs1: np.ndarray, rhs2: np.ndarray):
        """Node voltages with the diodes in `on` conducting: a general diagonal per sample."""
        inverse = 1.0 / (self.d1 + on / R_ON)
        n = len(self.d2)
        schur = self.d2 - (self.outer @ inverse).reshape(n, n, -1)
        out = _eliminate(schur, rhs2 + self.g.T @ (inverse * rhs1))
        return inverse * (rhs1 + self.g @ out), out

    def free(self):
        """Free equilibrium and the sign of each conducting diode."""
        on = np.zeros(self.b1.shape)
        for _ in range(100):
            h, o = self.solve(np.abs(on), self.b1 + on * (V_TH / R_ON), self.b2)
            found = np.where(np.abs(h) > V_TH, np.sign(h), 0.0)
            if np.array_equal(found, on):
                return h, o, on
            on = found
        raise RuntimeError("the set of conducting diodes did not settle")

    def nudged(self, h, on, injected):
        """Change of every voltage under the output currents `injected`."""
        now = on
        for _ in range(100):
            # i(h + d) - i(h) = |now| d / R_ON - shift; no shift where a diode stays as it was
            shift = ((np.abs(on) - np.abs(now)) * h + (now - on) * V_TH) / R_ON
            dh, do = self.solve(np.abs(now), shift, injected.copy())
            found = np.where(np.abs(h + dh) > V_TH, np.sign(h), 0.0)
            if np.array_equal(found, now):
                return dh, do
            now = found
        raise RuntimeError("the nudged set of conducting diodes did not settle")


class Iris:
    """Biolek devices, ten hidden nodes, pulse width modulation at 1 V, the seed's Adam."""

    def __init__(self, inputs: np.ndarray, targets: np.ndarray, rate: float):
        ones = np.ones((len(inputs), 1))
        self.a1 = np.ascontiguousarray(np.concatenate([inputs, -inputs, ones, -ones], axis=1).T)
        self.fixed = np.array([1.0, -1.0]) / GAIN
        self.targets, self.rate = np.ascontiguousarray(targets.T), rate

    def gradient(self, g1: np.ndarray, g2: np.ndarray):
        """Mean change of every squared drop (V^2), and the loss."""
        circuit = _Circuit(g1, g2, self.a1, self.fixed)
        h, o, on = circuit.free()
        error = GAIN * (o[0::2] - o[1::2]) - self.targets
        injected = np.empty_like(o)
        injected[0::2], injected[1::2] = error * (-BETA / GAIN), error * (BETA / GAIN)
        dh, do = circuit.nudged(h, on, injected)
        batch, n = h.shape[1], len(h)
        first = (dh * (2 * h + dh)).sum(1) - 2 * (self.a1 @ dh.T)
        second = np.repeat((do * (2 * o + do)).sum(1)[None], len(g2), axis=0)
        second[n:] -= 2 * np.outer(self.fixed, do.sum(1))
        second[:n] += (dh * (2 * h + dh)).sum(1)[:, None]
        second[:n] -= 2 * ((h + dh) @ do.T + dh @ o.T)
        gradients = first / batch, second * (GAIN**2 / batch)
        return gradients, 0.5 * np.mean(error * error)

    def run(self, conductances, epochs: int) -> np.ndarray:
        """Loss before each of `epochs` updates."""
        states = [D * (M_OFF - 1 / g) / (M_OFF - M_ON) for g in conductances]
        m, s = [np.zeros_like(x) for x in states], [np.zeros_like(x) for x in states]
        losses = np.empty(epochs)
        for k in range(epochs):
            ohm = [M_ON * (x / D) + M_OFF * (1 - x / D) for x in states]
            gradients, losses[k] = self.gradient(1 / ohm[0], 1 / ohm[1])
            correction = 1 - 0.5 ** (k + 1)
            for l, g in enumerate(gradients):
                m[l] = (0.5 * m[l] + 0.5 * g) / correction
                s[l] = (0.5 * s[l] + 0.5 * g * g) / correction
                q = self.rate * m[l] / (np.sqrt(s[l]) + 1e-8)
                flux, up = np.abs(q), q > 0  # q > 0 lowers the conductance
                volts = np.where(q >= 0, -1.0, 1.0)
                window = 1 - np.abs(states[l] / D - up) ** 2
                speed = MU_V * (M_ON / D) * volts / ohm[l] * window
                states[l] = np.clip(states[l] + flux * speed, 0.0, D)
        return losses
