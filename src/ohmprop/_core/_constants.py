"""Physical constants in SI units (exact since the 2019 redefinition; BIPM SI Brochure, 9th ed.)."""

K_B = 1.380649e-23  # Boltzmann constant, J/K
Q_E = 1.602176634e-19  # elementary charge, C
T_ROOM = 300.15  # 27 degC, SPICE's nominal temperature, K


def thermal_voltage(temperature: float = T_ROOM) -> float:
    """Thermal voltage kT/q in volts at `temperature` in kelvin."""
    return K_B * temperature / Q_E
