"""The command `pulses`: conductance under trains of identical pulses; table, numbers, picture."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    from ohmprop.characterise import PulseResponse

BRANCHES = ("potentiation", "depression")


def pulses(
    model: ModelArgument,
    out: OutOption,
    params: ParametersOption = None,
    set_: ParameterOption = None,
    count: Annotated[int, typer.Option(min=2, help="Pulses up, and as many down.")] = 100,
    amplitude: Annotated[
        str | None,
        typer.Option(
            metavar="V",
            help="Magnitude, the sign is the device's; unless told, 1 V or the next at which the "
            "model switches.",
        ),
    ] = None,
    amplitude_down: Annotated[
        str | None, typer.Option(metavar="V", help="Of depression; as --amplitude unless told.")
    ] = None,
    width: Annotated[
        str,
        typer.Option(
            metavar="S|auto",
            help="Such as `10 us`; `auto`: COUNT pulses make 99 % of the possible change, up and "
            "down each.",
        ),
    ] = "auto",
    width_down: Annotated[
        str | None, typer.Option(metavar="S|auto", help="Of depression; as --width unless told.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="S", help="Conductance before; the least unless told.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Draw every pulse at random, of models that have such a form; else their mean.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Pulse a device up and down again; leave conductances, numbers and a picture in DIR."""
    require_free(out, overwrite)
    volts = _volts(amplitude, "--amplitude"), _volts(amplitude_down, "--amplitude-down")
    down = width if width_down is None else width_down
    seconds = _width(width, "--width"), _width(down, "--width-down")
    siemens = None if start is None else read_option(start, "S", "--start", above=0)
    prepare_jax()
    import jax

    from ohmprop.characterise import pulse_metrics, pulse_response, switching_amplitude
    from ohmprop.experiments import load_device

    device = load_device(model, params, set_ or [])
    up, down = volts
    up = switching_amplitude(device) if up is None else up
    down = up if down is None else down
    key = None if seed is None else jax.random.key(seed)
    response = pulse_response(device, (up, down), seconds, count, start=siemens, key=key)
    if amplitude is None:
        sys.stdout.write(f"amplitude: {up:g} V (no --amplitude given)\n")
    if seed is not None:
        sys.stdout.write(f"every pulse drawn at random (seed {seed})\n")
    title = " ".join([model, *([params] if params else []), *(set_ or [])])
    how = {"model": model, "params": params, "set": set_ or [], "seed": seed}
    metrics = how | pulse_metrics(response)
    _leave(out, response, metrics, title)
    _say(metrics)
    sys.stdout.write(f"picture: {out / 'pulses.png'}\n")


def _volts(text: str | None, option: str) -> float | None:
    return None if text is None else read_option(text, "V", option, above=0)


def _width(text: str, option: str) -> float | None:
    return None if text == "auto" else read_option(text, "s", option, above=0)


def _leave(out: Path, response: "PulseResponse", metrics: dict[str, Any], title: str) -> None:
    from ohmprop import __version__
    from ohmprop.characterise import branch_curve, shape_of
    from ohmprop.report import PulseRecord, in_units, plot_pulses

    records = []
    for name, branch in zip(BRANCHES, (response.up, response.down), strict=True):
        nl = metrics[name]["nonlinearity"]
        fitted = (
            None if nl is None else branch_curve(branch.g, shape_of(nl), up=branch is response.up)
        )
        pulse = f"{in_units(branch.v, 'V')}, {in_units(branch.t, 's')}"
        records.append(PulseRecord(name, pulse, branch.g, fitted, nl))
    with drafted(out) as draft:
        (draft / "pulses.csv").write_text(_table(response), encoding="utf-8")
        text = json.dumps(metrics | {"version": __version__}, indent=2) + "\n"
        (draft / "metrics.json").write_text(text, encoding="utf-8")
        plot_pulses(records, draft / "pulses.png", title=title)


def _table(response: "PulseResponse") -> str:
    """A line for the start and one a pulse, numbered through; g is read after the pulse."""
    lines = ["pulse,branch,v_volt,t_second,g_siemens,energy_joule\n"]
    lines.append(f"0,start,0.0,0.0,{float(response.up.g[0])!r},0.0\n")
    number = 0
    for name, branch in zip(BRANCHES, (response.up, response.down), strict=True):
        for g, energy in zip(branch.g[1:].tolist(), branch.energy.tolist(), strict=True):
            number += 1
            lines.append(f"{number},{name},{branch.v!r},{branch.t!r},{g!r},{energy!r}\n")
    return "".join(lines)


def _say(metrics: dict[str, Any]) -> None:
    from ohmprop.report import in_units

    for name in BRANCHES:
        m = metrics[name]
        sys.stdout.write(
            f"{name}: {m['pulses']} pulses of {in_units(m['amplitude_volt'], 'V')}, "
            f"{in_units(m['width_second'], 's')}: {in_units(m['g_first_siemens'], 'S')} to "
            f"{in_units(m['g_last_siemens'], 'S')}{_linearity(m)}, "
            f"{in_units(m['energy_per_pulse_joule'], 'J')} a pulse\n"
        )
    middle = metrics["asymmetry"]["middle"]
    if middle is not None:
        sys.stdout.write(f"asymmetry at the middle conductance: {middle:+.3f}\n")


def _linearity(m: dict[str, Any]) -> str:
    if m["nonlinearity"] is None:
        return ", no change"
    states = "" if m["states"] is None else f", {m['states']:.3g} states"
    return f", NL {m['nonlinearity']:+.2f}{states}"
