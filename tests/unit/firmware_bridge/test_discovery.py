import pytest

from firmware_bridge import discovery
from firmware_bridge.discovery import Port
from firmware_bridge.errors import BridgePackageError, PortError, require

UNO = Port(path="/dev/ttyACM0", vid="2341", pid="0043", serial="75", description="Arduino Uno")
TWIN = Port(path="/dev/ttyACM1", vid="2341", pid="0043", serial="76", description="Arduino Uno")
MODEM = Port(path="/dev/ttyUSB0", vid="12d1", pid="1001", serial="", description="Huawei Mobile")
OLD = Port(path="/dev/ttyS0", vid="", pid="", serial="", description="n/a")


@pytest.fixture
def plugged(monkeypatch):
    def plug(*ports: Port) -> None:
        monkeypatch.setattr(discovery, "ports", lambda: list(ports))

    return plug


def test_a_usb_name_finds_its_port_and_a_path_is_left_alone(plugged):
    plugged(UNO, OLD)
    assert discovery.resolve("usb:2341:0043") == "/dev/ttyACM0"
    assert discovery.resolve("/dev/ttyACM7") == "/dev/ttyACM7"


def test_two_boards_of_a_kind_are_told_apart_by_serial_number_and_never_guessed(plugged):
    plugged(UNO, TWIN)
    assert discovery.resolve("usb:2341:0043:76") == "/dev/ttyACM1"
    with pytest.raises(PortError, match="more than one port matches; name one as usb:VID:PID:SERIAL"):
        discovery.resolve("usb:2341:0043")


def test_auto_opens_the_one_board_of_the_allow_list_and_no_other_port(plugged):
    plugged(MODEM, UNO, OLD)
    assert discovery.resolve("auto") == "/dev/ttyACM0"
    plugged(MODEM, OLD)
    with pytest.raises(PortError, match="no port matches"):
        discovery.resolve("auto")
    plugged(UNO, TWIN)
    with pytest.raises(PortError, match="more than one"):
        discovery.resolve("auto")


def test_a_missing_package_is_named_with_the_very_command_to_type():
    with pytest.raises(BridgePackageError, match=r"pip install 'robopatient\[bridge\]'"):
        require("no_such_package_anywhere")
