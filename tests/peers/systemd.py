#!/usr/bin/python3
"""A stand-in for systemd's D-Bus interface (org.freedesktop.systemd1), for machines on which no systemd runs.

Start a private bus, and this on it once the bus has printed its address:

    dbus-daemon --session --nofork --nopidfile --address=unix:path=$D/bus --print-address
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=$D/bus /usr/bin/python3 tests/peers/systemd.py $D/units.json

It prints "ready" once it owns the name. A client reaches it with the same DBUS_SYSTEM_BUS_ADDRESS, for instance
`busctl --address=unix:path=$D/bus` or `dbus-send --bus=unix:path=$D/bus`. It ends by SIGTERM, or with the bus.

units.json has the units that are in systemd's memory, with the properties that differ from a stopped service's:

    {"ssh.service": {"ActiveState": "active", "SubState": "running", "MainPID": 812, "MemoryCurrent": 5242880},
     "data.mount": {"ActiveState": "active", "SubState": "mounted"}}

The file is read again at every call: rename a new one into its place to change the state. A client that caches properties
does not see it, since no PropertiesChanged signal is sent.

Like the real one: GetUnit knows only units in memory, LoadUnit and ListUnitsByNames answer for any valid name, with LoadState
"not-found" where there is no such unit; only services have the Service interface. Unlike it: no other methods, only
the properties below, no signals.
"""

import json
import re
import sys

import dbus
import dbus.lowlevel
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME = "org.freedesktop.systemd1"
MANAGER_PATH = "/org/freedesktop/systemd1"
UNIT_PATH = MANAGER_PATH + "/unit/"
MANAGER = NAME + ".Manager"
UNIT = NAME + ".Unit"
SERVICE = NAME + ".Service"
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
PEER = "org.freedesktop.DBus.Peer"
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
UNKNOWN = 2**64 - 1  # how systemd says that accounting is off or nothing runs

# Interface -> property -> (D-Bus type, value of a unit that is stopped).
DEFAULTS = {
    UNIT: {
        "Id": ("s", None),  # the unit's name
        "Description": ("s", None),  # the unit's name, as where a unit file has none
        "LoadState": ("s", "loaded"),
        "ActiveState": ("s", "inactive"),
        "SubState": ("s", "dead"),
        "ActiveEnterTimestamp": ("t", 0),  # microseconds since the epoch; 0: never
    },
    SERVICE: {
        "MainPID": ("u", 0),
        "NRestarts": ("u", 0),
        "CPUUsageNSec": ("t", UNKNOWN),
        "MemoryCurrent": ("t", UNKNOWN),
        "TasksCurrent": ("t", UNKNOWN),
        "Result": ("s", "success"),
    },
}
TYPES = {"s": dbus.String, "u": dbus.UInt32, "t": dbus.UInt64}

# systemd.unit(5): a name, an optional instance, a type.
VALID_NAME = re.compile(
    r"[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\@-]+)?"
    r"\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)"
)


class DBusError(Exception):
    """An error reply: its name and its text."""

    def __init__(self, name, text):
        super().__init__(name, text)
        self.name, self.text = name, text


def unit_path(name):
    """Whatever is not a letter or digit, and a digit in front, becomes _ and two hex digits."""
    return UNIT_PATH + "".join(
        c if c.isalpha() or (c.isdigit() and i > 0) else f"_{ord(c):02x}" for i, c in enumerate(name)
    )


def unit_name(path):
    return re.sub("_([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), path.removeprefix(UNIT_PATH))


def read_units(file):
    """The units of the file, each property checked: a misspelt one would silently test nothing."""
    with open(file, encoding="utf-8") as f:
        units = json.load(f)
    for name, properties in units.items():
        if not VALID_NAME.fullmatch(name):
            raise ValueError(f"{name}: not a unit name")
        known = {key for interface in interfaces(name) for key in DEFAULTS[interface]}
        if unknown := set(properties) - known:
            raise ValueError(f"{name}: unknown properties {sorted(unknown)}; there are {sorted(known)}")
    return units


def interfaces(name):
    return [UNIT, SERVICE] if name.endswith(".service") else [UNIT]


def properties(units, name, interface):
    """All properties of one interface of a unit, typed."""
    given = units.get(name, {"LoadState": "not-found"})
    result = {}
    for key, (kind, default) in DEFAULTS[interface].items():
        value = given.get(key, name if default is None else default)
        result[key] = TYPES[kind](value, variant_level=1)
    return result


def check_name(name):
    if "@." in name:
        raise DBusError(INVALID_ARGS, f"Unit name {name} is missing the instance name.")
    if not VALID_NAME.fullmatch(name):
        raise DBusError(INVALID_ARGS, f"Unit name {name} is not valid.")


# The manager's methods: arguments -> (signature of the reply, values).


def get_unit(units, name):
    if name not in units:
        raise DBusError(NAME + ".NoSuchUnit", f"Unit {name} not loaded.")
    return "o", [unit_path(name)]


def load_unit(_units, name):
    check_name(name)
    return "o", [unit_path(name)]


def list_units_by_names(units, names):
    rows = []
    for name in names:
        check_name(name)
        unit = properties(units, name, UNIT)
        states = [unit[key] for key in ("Id", "Description", "LoadState", "ActiveState", "SubState")]
        following, job_id, job_type, job_path = "", 0, "", "/"
        rows.append((*states, following, unit_path(name), job_id, job_type, job_path))
    return "a(ssssssouso)", [rows]


MANAGER_METHODS = {"GetUnit": ("s", get_unit), "LoadUnit": ("s", load_unit), "ListUnitsByNames": ("as", list_units_by_names)}


def call_properties(units, name, member, arguments):
    has = interfaces(name)
    if member == "GetAll":
        (interface,) = arguments
        if interface and interface not in has:
            raise DBusError("org.freedesktop.DBus.Error.UnknownInterface", f"Unknown interface '{interface}'.")
        wanted = [interface] if interface else has
        return "a{sv}", [{k: v for i in wanted for k, v in properties(units, name, i).items()}]
    interface, key = arguments
    if interface not in has or key not in DEFAULTS[interface]:
        raise DBusError("org.freedesktop.DBus.Error.UnknownProperty", "Unknown property or interface.")
    return "v", [properties(units, name, interface)[key]]


def introspection(path):
    def method(name, takes, gives):
        arguments = "".join(f'<arg type="{t}" direction="in"/>' for t in takes)
        return f'<method name="{name}">{arguments}<arg type="{gives}" direction="out"/></method>'

    shown = {PROPERTIES: method("Get", ["s", "s"], "v") + method("GetAll", ["s"], "a{sv}")}
    if path == MANAGER_PATH:
        gives = {"ListUnitsByNames": "a(ssssssouso)"}
        shown[MANAGER] = "".join(method(m, [takes], gives.get(m, "o")) for m, (takes, _) in MANAGER_METHODS.items())
    else:
        for interface in interfaces(unit_name(path)):
            shown[interface] = "".join(
                f'<property name="{k}" type="{kind}" access="read"/>' for k, (kind, _) in DEFAULTS[interface].items()
            )
    return "<node>" + "".join(f'<interface name="{i}">{body}</interface>' for i, body in shown.items()) + "</node>"


def call(file, message):
    """Answers one method call: (signature, values), or raises DBusError."""
    path, interface, member = message.get_path(), message.get_interface(), message.get_member()
    takes, arguments = message.get_signature(), message.get_args_list()
    is_unit = path.startswith(UNIT_PATH) and VALID_NAME.fullmatch(unit_name(path))
    if interface == PEER and member == "Ping":
        return "", []
    if not is_unit and path != MANAGER_PATH:
        raise DBusError("org.freedesktop.DBus.Error.UnknownObject", f"Unknown object '{path}'.")
    if interface == INTROSPECTABLE and member == "Introspect":
        return "s", [introspection(path)]
    units = read_units(file)
    if path == MANAGER_PATH and interface == MANAGER and member in MANAGER_METHODS:
        expected, method = MANAGER_METHODS[member]
        if takes == expected:
            return method(units, *arguments)
    elif is_unit and interface == PROPERTIES and member in ("Get", "GetAll"):
        expected = "ss" if member == "Get" else "s"
        if takes == expected:
            return call_properties(units, unit_name(path), member, arguments)
    else:
        raise DBusError("org.freedesktop.DBus.Error.UnknownMethod", f"Unknown method '{member}' or interface '{interface}'.")
    raise DBusError(INVALID_ARGS, f"Invalid arguments '{takes}' to call {interface}.{member}(), expecting '{expected}'.")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: systemd.py UNITS.JSON (see the top of this file)")
    file = sys.argv[1]
    try:
        read_units(file)
    except (OSError, ValueError) as error:
        sys.exit(f"{file}: {error}")

    def answer(connection, message):
        if message.get_type() != dbus.lowlevel.MESSAGE_TYPE_METHOD_CALL:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        try:
            signature, values = call(file, message)
            reply = dbus.lowlevel.MethodReturnMessage(message)
            if signature:
                reply.append(*values, signature=signature)
        except DBusError as error:
            reply = dbus.lowlevel.ErrorMessage(message, error.name, error.text)
        except Exception as error:  # the units file is wrong: say so, rather than let the client wait
            reply = dbus.lowlevel.ErrorMessage(message, "org.freedesktop.DBus.Error.Failed", f"{file}: {error!r}")
        if not message.get_no_reply():
            connection.send_message(reply)
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    bus = dbus.SystemBus(mainloop=DBusGMainLoop())
    bus.add_message_filter(answer)
    if bus.request_name(NAME, dbus.bus.NAME_FLAG_DO_NOT_QUEUE) != dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER:
        sys.exit(f"another process has the name {NAME} on this bus")
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
