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
from ohmprop.cli._option import (
    ModelArgument,
    OutOption,
    OverwriteOption,
    ParameterOption,
    ParametersOption,
    read_option,
)

if TYPE_CHECKING:
    from ohmprop.characterise import Loop
    from ohmprop.devices import AbstractMemristor
    from ohmprop.drive import PiecewiseLinear

KINDS = ("sine", "triangle", "square", "sawtooth", "pulse_train")


def hysteresis(
    model: ModelArgument,
    out: OutOption,
    params: ParametersOption = None,
    set_: ParameterOption = None,
    waveform: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE.csv",
            help=f"{', '.join(KINDS)}, or a CSV file with one period in columns t and v, "
            "straight lines between its points.",
        ),
    ] = "sine",
    frequency: Annotated[
        list[str] | None,
        typer.Option(
            metavar="F",
            help="Such as `10 kHz`, repeatable; `auto` (the default): the device, alone, just "
            "switches fully in half a period, or in all pulses of a train. A CSV file runs as "
            "recorded unless told otherwise.",
        ),
    ] = None,
    amplitude: Annotated[
        str | None,
        typer.Option(
            metavar="V",
            help="Of a named waveform; unless told, 1 V or the next at which the model switches.",
        ),
    ] = None,
    offset: Annotated[
        str | None, typer.Option(metavar="V", help="Of a named waveform; 0 V unless told.")
    ] = None,
    phase: Annotated[
        str | None, typer.Option(metavar="RAD", help="Such as `90 deg`; 0 unless told.")
    ] = None,
    duty: Annotated[
        float | None,
        typer.Option(help="Of a pulse train: width over period, between 0 and 1; 0.5 unless told."),
    ] = None,
    cycles: Annotated[
        int, typer.Option(min=1, help="Periods or pulses; the last one is measured.")
    ] = 2,
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
    overwrite: OverwriteOption = False,
) -> None:
    """Draw hysteresis loops of a device and leave trace, numbers and a picture in DIR."""
    require_free(out, overwrite)
    given = _shape_options(waveform, amplitude, offset, phase, duty)
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
    from ohmprop.characterise import switching_amplitude
    from ohmprop.experiments import load_device

    wave, first = waveform if waveform in KINDS else _from_file(waveform), ""
    device = load_device(model, params, set_ or [])
    if isinstance(wave, str) and "amplitude" not in given:
        given = {"amplitude": switching_amplitude(device)} | given
        first = f"amplitude: {given['amplitude']:g} V (no --amplitude given)\n"
    frequencies = _frequencies(wanted, device, wave, given, cycles)
    say = _Lines(len(frequencies), first)
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
        **{f"{k}{_UNIT_NAMES[k]}": v for k, v in given.items()},
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
        if asked == "auto" and wave in KINDS[:-1] and not _switched(loop, device, cycles):
            sys.stderr.write(
                f"ohmprop: note: at {loop.frequency:.4g} Hz (auto) the last cycle does not take "
                "the state from 1 % to 99 % of its span; auto supposes a device alone that starts "
                "there\n"
            )
    sys.stdout.write(f"picture: {out / 'loop.png'}\n")


def _shape_options(
    waveform: str, amplitude: str | None, offset: str | None, phase: str | None, duty: float | None
) -> dict[str, float]:
    """What was given of a waveform's shape, in SI units; BadInput where it has no such thing."""
    texts = {"amplitude": (amplitude, "V"), "offset": (offset, "V"), "phase": (phase, "rad")}
    given = {
        name: read_option(text, unit, f"--{name}")
        for name, (text, unit) in texts.items()
        if text is not None
    }
    if duty is not None:
        given["duty"] = duty
    if given.get("amplitude") == 0:
        raise BadInput("--amplitude: expected a voltage other than 0 V, found 0")
    if not 0 < given.get("duty", 0.5) < 1:
        raise BadInput(f"--duty: expected a number between 0 and 1, found {duty:g}")
    if waveform not in KINDS:
        names, whom = set(given), "named waveforms only; a file holds its voltages"
    elif waveform == "pulse_train":
        names, whom = {"offset", "phase"}, "pulse_train: it starts at 0 V with a pulse"
    else:
        names, whom = {"duty"}, f"{waveform}; it is of pulse_train"
    wrong = [f"--{name}" for name in given if name in names]
    if wrong:
        verb = "for" if waveform not in KINDS else "not for"
        raise BadInput(f"{' and '.join(wrong)}: {verb} {whom}")
    return given


def _from_file(name: str) -> "PiecewiseLinear":
    """The waveform in a CSV file: columns of time and voltage, at least one period's worth."""
    from ohmprop.characterise import read_waveform

    path = Path(name).expanduser()
    if not path.suffix and not path.exists():
        raise BadInput(
            f"--waveform: unknown waveform {name!r}.{nearest(name, KINDS)} Or give a CSV file with "
            "columns t and v."
        )
    return read_waveform(path)


def _frequencies(
    wanted: Sequence[float | str],
    device: "AbstractMemristor",
    wave: "PiecewiseLinear | str",
    given: dict[str, float],
    cycles: int,
) -> list[float]:
    """The frequencies in Hz: those given, else as recorded in a file, else the automatic one."""
    from ohmprop.characterise import automatic_frequency

    if not wanted and not isinstance(wave, str):
        return [1 / float(wave.duration)]
    shape = {k: v for k, v in given.items() if k != "phase"}  # which only turns the loop's start
    return [
        automatic_frequency(device, wave, **shape, cycles=cycles) if isinstance(f, str) else f
        for f in wanted or ["auto"]
    ]


class _Lines:
    """Says what each loop gave as soon as it is there, after a `first` line."""

    def __init__(self, count: int, first: str = "") -> None:
        self._count, self._done, self._first = count, 0, first

    def __call__(self, loop: "Loop") -> None:
        from ohmprop.report import in_units

        self._done += 1
        m = loop.metrics
        ratio = "" if m.r_off_over_r_on is None else f", R_off/R_on {m.r_off_over_r_on:.3g}"
        first, self._first = self._first, ""
        sys.stdout.write(
            f"{first}[{self._done}/{self._count}] {in_units(loop.frequency, 'Hz')}: lobes "
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


_UNIT_NAMES = {"amplitude": "_volt", "offset": "_volt", "phase": "_radian", "duty": ""}
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
