"""The link: near the station fast and strong, by relay slow, and at times it fades."""

from __future__ import annotations

from nova.hardware.simulator.mode import STATION_RANGE_KM
from nova.hardware.simulator.radio_link import FADE_LASTS_S, FADE_PART, RELAY_KBIT_S, radio_link_at

SECOND = 10**9


def test_near_and_far() -> None:
    """Overhead it is stronger than at the horizon; beyond it the relay takes over."""
    overhead, horizon = (radio_link_at(1, 0, km) for km in (0.0, STATION_RANGE_KM - 1))
    assert overhead.signal_dbm > horizon.signal_dbm
    assert overhead.round_trip_ms < horizon.round_trip_ms < 100
    relay = radio_link_at(1, 0, STATION_RANGE_KM)
    assert relay.rate_kbit_s <= RELAY_KBIT_S
    assert relay.round_trip_ms > 500


def test_fades_are_rare_and_cost_packets() -> None:
    """About as often as they should be, and nothing else loses more than a percent."""
    links = [radio_link_at(1, minute * FADE_LASTS_S * SECOND, 0.0) for minute in range(2_000)]
    fading = [link for link in links if link.state == "degraded"]
    assert 0.5 * FADE_PART < len(fading) / len(links) < 2 * FADE_PART
    assert min(link.loss_percent for link in fading) > 1
    assert max(link.loss_percent for link in links if link.state == "up") < 1


def test_same_moment_same_link() -> None:
    """A function of seed, time and place; other seeds fade at other times."""
    times = [minute * FADE_LASTS_S * SECOND for minute in range(200)]
    first, again, other = ([radio_link_at(seed, at, 0.0) for at in times] for seed in (1, 1, 2))
    assert first == again
    assert [one.state for one in first] != [one.state for one in other]
