"""The command `hysteresis`: a device under a periodic voltage; loops, numbers and a picture."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ohmprop._core import BadInput, nearest
from ohmprop.cli._cache import prepare_jax
from ohmprop.cli._folder import drafted, require_free
from ohmprop.cli._option import read_option

if TYPE_CHECKING:
    from ohmprop.characterise import Loop
    from ohmprop.devices import AbstractMemristor
    from ohmprop.drive import PiecewiseLinear

KINDS = ("sine", "triangle", "square", "sawtooth")


def hysteresis(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="See `ohmprop devices`.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")],
    params: Annotated[
        str | None,
        typer.Option(metavar="SET|FILE", help="Parameter set or device.yaml; else the first set."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change one parameter; repeatable."),
    ] = None,
    waveform: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE.csv",
            help=f"{', '.join(KINDS)}, or a CSV file with one period in columns t and v.",
        ),
    ] = "sine",
    frequency: Annotated[
        list[str] | None,
        typer.Option(
            metavar="F",
            help="Such as `10 kHz`, repeatable; `auto` (the default): the device, alone, just "
            "switches fully in half a period. A CSV file runs as recorded unless told otherwise.",
        ),
    ] = None,
    amplitude: Annotated[
        str | None, typer.Option(metavar="V", help="Of a named waveform; 1 V unless told.")
    ] = None,
    offset: Annotated[
        str | None, typer.Option(metavar="V", help="Of a named waveform; 0 V unless told.")
    ] = None,
    cycles: Annotated[int, typer.Option(min=1, help="Periods; the last one is measured.")] = 2,
    points: Annotated[int, typer.Option(min=8, help="Samples a period.")] = 1000,
    initial: Annotated[
        float, typer.Option(min=0, max=1, help="Initial state, as a fraction of its span.")
    ] = 0.5,
    series_resistance: Annotated[str, typer.Option(metavar="OHM")] = "0",
    compliance: Annotated[
        str | None, typer.Option(metavar="A", help="Greatest current of the source.")
    ] = None,
    read_voltage: Annotated[
        str | None,
        typer.Option(metavar="V", help="For R_off/R_on; a tenth of the peak unless told."),
    ] = None,
    integration: Annotated[
        Literal["exact", "euler"],
        typer.Option(help="`euler`: one forward step a sample, as in the seed."),
    ] = "exact",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the results in a non-empty DIR.")
    ] = False,
) -> None:
    """Draw hysteresis loops of a device and leave trace, numbers and a picture in DIR."""
    require_free(out, overwrite)
    volts = {"amplitude": amplitude, "offset": offset}
    given = {k: read_option(v, "V", f"--{k}") for k, v in volts.items() if v is not None}
    if given.get("amplitude") == 0:
        raise BadInput("--amplitude: expected a voltage other than 0 V, found 0")
    limit = None if compliance is None else read_option(compliance, "A", "--compliance", above=0)
    resistance = read_option(series_resistance, "ohm", "--series-resistance", least=0)
    read = None if read_voltage is None else read_option(read_voltage, "V", "--read-voltage")
    if read == 0:
        raise BadInput("--read-voltage: expected a voltage other than 0 V, found 0")
    wanted = [
        f if f == "auto" else read_option(f, "Hz", "--frequency", above=0) for f in frequency or []
    ]
    prepare_jax()
    from ohmprop.characterise import hysteresis as measure
    from ohmprop.experiments import load_device

    device = load_device(model, params, set_ or [])
    wave = waveform if waveform in KINDS else _from_file(waveform, given)
    if isinstance(wave, str):
        given = {"amplitude": 1.0, "offset": 0.0} | given
    frequencies = _frequencies(wanted, device, wave, given)
    say = _Lines(len(frequencies))
    loops = measure(
        device,
        wave,
        frequencies,
        **given,
        cycles=cycles,
        points=points,
        x0=device.lower + initial * (device.upper - device.lower),
        integration=integration,
        r_series=resistance,
        compliance=float("inf") if limit is None else limit,
        read_voltage=read,
        progress=say,
    )
    how = {
        "model": model,
        "params": params,
        "set": set_ or [],
        "waveform": waveform,
        **{f"{k}_volt": v for k, v in given.items()},
        "cycles": cycles,
        "points": points,
        "initial_fraction": initial,
        "series_resistance_ohm": resistance,
        "compliance_ampere": limit,
        "integration": integration,
    }
    title = " ".join([model, *([params] if params else []), *(set_ or [])])
    from ohmprop.report import plot_loops

    with drafted(out) as draft:
        (draft / "trace.csv").write_text(_trace(loops, device), encoding="utf-8")
        text = json.dumps(_metrics(loops, how), indent=2) + "\n"
        (draft / "metrics.json").write_text(text, encoding="utf-8")
        plot_loops([_record(loop, device) for loop in loops], draft / "loop.png", title=title)
    automatic = wanted or (["auto"] if isinstance(wave, str) else [])
    for loop, asked in zip(loops, automatic, strict=False):
        if asked == "auto" and not _switched(loop, device, cycles):
            sys.stderr.write(
                f"ohmprop: note: at {loop.frequency:.4g} Hz (auto) the last cycle does not take "
                "the state from 1 % to 99 % of its span; auto supposes a device alone that starts "
                "there\n"
            )
    sys.stdout.write(f"picture: {out / 'loop.png'}\n")


def _from_file(name: str, given: dict[str, float]) -> "PiecewiseLinear":
    """The waveform in a CSV file: columns of time and voltage, at least one period's worth."""
    from ohmprop.characterise import read_waveform

    path = Path(name).expanduser()
    if not path.suffix and not path.exists():
        raise BadInput(f"--waveform: unknown waveform {name!r}.{nearest(name, KINDS)}")
    if given:
        options = " and ".join(f"--{k}" for k in given)
        raise BadInput(f"{options}: for named waveforms only; the file {name} holds the voltages")
    return read_waveform(path)


def _frequencies(
    wanted: Sequence[float | str],
    device: "AbstractMemristor",
    wave: "PiecewiseLinear | str",
    given: dict[str, float],
) -> list[float]:
    """The frequencies in Hz: those given, else as recorded in a file, else the automatic one."""
    from ohmprop.characterise import periodic, switching_frequency

    if not wanted and not isinstance(wave, str):
        return [1 / float(wave.duration)]
    amplitude, offset = given.get("amplitude", 1.0), given.get("offset", 0.0)
    one_period = periodic(wave, 1.0, amplitude=amplitude, offset=offset)
    return [
        switching_frequency(device, one_period) if isinstance(f, str) else f
        for f in wanted or ["auto"]
    ]


class _Lines:
    """Says what each loop gave as soon as it is there."""

    def __init__(self, count: int) -> None:
        self._count, self._done = count, 0

    def __call__(self, loop: "Loop") -> None:
        from ohmprop.report import in_units

        self._done += 1
        m = loop.metrics
        ratio = "" if m.r_off_over_r_on is None else f", R_off/R_on {m.r_off_over_r_on:.3g}"
        sys.stdout.write(
            f"[{self._done}/{self._count}] {in_units(loop.frequency, 'Hz')}: lobes "
            f"{in_units(m.lobe_area_positive, 'W')} and {in_units(m.lobe_area_negative, 'W')}"
            f"{ratio}, drift {100 * m.drift_per_cycle:+.2g} % a cycle\n"
        )
        sys.stdout.flush()


def _record(loop: "Loop", device: "AbstractMemristor") -> Any:
    import numpy as np

    from ohmprop.report import LoopRecord

    t, v, i, x, charge, flux = (
        np.asarray(getattr(loop.trace, k)) for k in ("t", "v_device", "i", "x", "charge", "flux")
    )
    lower, upper = float(device.lower), float(device.upper)
    return LoopRecord(loop.frequency, t, v, i, (x - lower) / (upper - lower), charge, flux)


def _switched(loop: "Loop", device: "AbstractMemristor", cycles: int) -> bool:
    """Whether the state goes all the way within the last cycle, to a thousandth of its span."""
    record = _record(loop, device)
    last = record.state[record.t >= record.t[-1] * (1 - 1 / cycles) * (1 - 1e-9)]
    return bool(last.min() <= 0.011 and last.max() >= 0.989)


def _trace(loops: "list[Loop]", device: "AbstractMemristor") -> str:
    """All samples as CSV; `x` in the model's own state unit, `state` as a fraction of its span."""
    columns = "frequency_hertz,t_second,v_volt,v_source_volt,i_ampere,x,state,charge_coulomb,"
    lines = [columns + "flux_volt_second\n"]
    for loop in loops:
        r = _record(loop, device)
        x, source = loop.trace.x.tolist(), loop.trace.v.tolist()
        shown = (r.t, r.v, source, r.i, x, r.state, r.charge, r.flux)
        rows = zip(*([float(a) for a in column] for column in shown), strict=True)
        lines += [",".join(map(repr, [float(loop.frequency), *row])) + "\n" for row in rows]
    return "".join(lines)


_UNITS = {
    "lobe_area_positive": "watt",
    "lobe_area_negative": "watt",
    "read_voltage": "volt",
    "threshold_positive": "volt",
    "threshold_negative": "volt",
    "energy_per_cycle": "joule",
}


def _metrics(loops: "list[Loop]", how: dict[str, Any]) -> dict[str, Any]:
    from ohmprop import __version__
    from ohmprop.characterise import collapse

    def named(values: dict[str, Any]) -> dict[str, Any]:
        return {f"{k}_{_UNITS[k]}" if k in _UNITS else k: v for k, v in values.items()}

    measured = [
        {"frequency_hertz": loop.frequency} | named(loop.metrics._asdict()) for loop in loops
    ]
    shape = collapse([x.frequency for x in loops], [x.metrics.lobe_area for x in loops])
    fall = shape and {
        "frequencies_hertz": shape.frequencies,
        "area_ratio": shape.area_ratio,
        "half_area_frequency_hertz": shape.half_area_frequency,
    }
    return {**how, "loops": measured, "collapse": fall, "version": __version__}
